// ChoiceLM's TypeScript implementation on a LLaMa's tokenizer and next-token log-probabilities: the
// slow reference that LLaMa's native implementation must agree with.

import { ChoiceLM, type LLaMa } from 'autocog-lm';

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

  protected greedyImpl(tokens: Int32Array, signal?: AbortSignal): Promise<Float32Array> {
    return this.#lm.greedy(tokens, { signal });
  }
}
