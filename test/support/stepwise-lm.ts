// ChoiceLM's TypeScript implementation on a LLaMa's tokenizer and next-token log-probabilities: the
// slow reference that LLaMa's native implementation must agree with.

import { ChoiceLM, type LLaMa } from 'autocog-lm';
import { scoreByGreedy } from '../../lib/choose/greedy-tree.js';
import type { TokenChoiceTree } from '../../lib/tree/token-choice-tree.js';
import type { TreeRequest } from '../../lib/tree/tree-scoring.js';
import { logprobsAfter } from './encoder-decoder.js';

export class StepwiseLM extends ChoiceLM {
  readonly #lm: LLaMa;

  constructor(lm: LLaMa) {
    super();
    this.#lm = lm;
  }

  override get vocabularySize(): number {
    return this.#lm.vocabularySize;
  }

  override get contextSize(): number {
    return this.#lm.contextSize;
  }

  override get encoderDecoder(): boolean {
    return this.#lm.encoderDecoder;
  }

  override get beginToken(): number | undefined {
    return this.#lm.beginToken;
  }

  override get endOfGeneration(): Int32Array {
    return this.#lm.endOfGeneration;
  }

  tokenize(...args: Parameters<LLaMa['tokenize']>) {
    return this.#lm.tokenize(...args);
  }

  detokenize(...args: Parameters<LLaMa['detokenize']>) {
    return this.#lm.detokenize(...args);
  }

  /** ChoiceLM joins prompt and path, which an encoder-decoder reads in different places. */
  protected override scoreTree(prompt: Int32Array, tree: TokenChoiceTree, request: TreeRequest) {
    if (!this.encoderDecoder) return super.scoreTree(prompt, tree, request);
    return scoreByGreedy(prompt, tree, request, (tokens) => {
      return logprobsAfter(this.#lm, prompt, tokens.subarray(prompt.length), request.signal);
    });
  }

  protected greedyImpl(tokens: Int32Array, signal?: AbortSignal): Promise<Float32Array> {
    return this.#lm.greedy(tokens, { signal });
  }
}
