// ChoiceLM: exact scores of given continuations, from nothing but greedyImpl. LLaMa and
// TfLM extend it; LLaMa replaces `scoreTree` by native code.

import { raceAbort } from './abort.js';
import { checkOptions, checkPrompt, checkSignal, type Prompt, wrongRange } from './arguments.js';
import { concatenate, joint, type Seam, type SeamTokenizer, separate } from './boundary.js';
import type { CallOptions } from './call-options.js';
import { type Choice, lengthsOf, makeChoice, type TreeScores } from './choice.js';
import {
  type ChoiceInput,
  type ChooseOptions,
  type ChooseRequest,
  checkChoices,
  emptyChoice,
  readChooseOptions,
} from './choose-options.js';
import { ContextOverflowError, NotSupportedError } from './errors.js';
import { GreedyLM } from './greedy-lm.js';
import { scoreByGreedy, type TreeRequest } from './greedy-tree.js';
import { TokenChoiceTree } from './token-choice-tree.js';
import { type Cost, Stopwatch } from './usage.js';

/** What `score` gives. */
export interface Score extends Cost {
  /** The continuation's tokens. */
  tokens: Int32Array;
  /** log P(token | what is before it), one per token. */
  logprobs: Float64Array;
  /** Their sum. */
  logprob: number;
}

/**
 * An LM that chooses. A subclass gives `tokenize`, `detokenize` and `greedyImpl`, and has
 * everything else from here.
 */
export abstract class ChoiceLM extends GreedyLM {
  /**
   * Scores every choice as a continuation of the prompt, and picks the best.
   *
   * @param choices at least one; all texts, or all token ids
   * @throws TypeError, RangeError for what `ChooseOptions` does not allow, for no choices and,
   * without a terminator, for an empty choice; ContextOverflowError where prompt and deepest
   * choice do not fit, before anything is decoded; NotSupportedError for terminator `'eog'`
   * where the LM has no end-of-generation token
   * @example
   * const { text, probability } = await lm.choose('The sky is', [' blue', ' green']);
   */
  async choose(
    prompt: Prompt,
    choices: readonly string[] | readonly Int32Array[],
    options?: ChooseOptions,
  ): Promise<Choice> {
    const stopwatch = new Stopwatch();
    const request = readChooseOptions(options);
    const input = checkPrompt(prompt, 'prompt', this.vocabularySize);
    const inputs = checkChoices(choices, request, this.vocabularySize);
    await this.admit(request.signal);

    const seam = await raceAbort(this.#seam(input, inputs, request), request.signal);
    const texts = await raceAbort(this.#texts(inputs), request.signal);
    const tree = new TokenChoiceTree(seam.paths);
    const treeRequest = this.#treeRequest(tree, request);
    this.#checkTreeFits(seam.prompt, tree, treeRequest);
    const lengths = lengthsOf(request, texts, seam.paths);
    stopwatch.tokenized();

    const scores = await this.scoreTree(seam.prompt, tree, treeRequest);
    const tokenTexts = await raceAbort(this.tokenTexts(tree.tokens.subarray(1)), request.signal);
    return {
      ...makeChoice(tree, scores, texts, lengths),
      tree: tree.withValues({ ...scores, texts: tokenTexts }),
      boundary: seam.report,
      ...stopwatch.complete(scores),
    };
  }

  /**
   * The log-probability of one given continuation, tokenised alone.
   *
   * @throws RangeError for a prompt or continuation without tokens; ContextOverflowError
   */
  async score(prompt: Prompt, continuation: Prompt, options?: CallOptions): Promise<Score> {
    const stopwatch = new Stopwatch();
    const input = checkPrompt(prompt, 'prompt', this.vocabularySize);
    const text = checkPrompt(continuation, 'continuation', this.vocabularySize);
    const signal = checkSignal(checkOptions(options, 'options', ['signal']).signal, 'signal');
    await this.admit(signal);

    const seam = await raceAbort(separate(this.#tokenizer, input, [text]), signal);
    const tree = new TokenChoiceTree(seam.paths);
    if (tree.size === 0) throw wrongRange('at least one token', 'continuation', continuation);
    const request = this.#withoutEnds(tree, false, signal);
    this.#checkTreeFits(seam.prompt, tree, request);
    stopwatch.tokenized();

    const scores = await this.scoreTree(seam.prompt, tree, request);
    const logprobs = scores.logprobs.slice(1);
    const logprob = logprobs.reduce((sum, value) => sum + value, 0);
    return { tokens: tree.tokens.slice(1), logprobs, logprob, ...stopwatch.complete(scores) };
  }

  /** The values of every node of a tree after a prompt. */
  protected scoreTree(
    prompt: Int32Array,
    tree: TokenChoiceTree,
    request: TreeRequest,
  ): Promise<TreeScores & Cost> {
    const next = (tokens: Int32Array) => this.nextLogprobs(tokens, request.signal);
    return scoreByGreedy(prompt, tree, request, next);
  }

  /** The tokens of texts that each begin a prompt. */
  protected tokenizePrompts(texts: readonly string[]): Promise<Int32Array[]> {
    return Promise.all(texts.map((text) => this.tokenizePrompt(text)));
  }

  /** The tokens of texts that each continue something. */
  protected tokenizeTexts(texts: readonly string[]): Promise<Int32Array[]> {
    return Promise.all(texts.map((text) => this.tokenize(text)));
  }

  get #tokenizer(): SeamTokenizer {
    return {
      prompt: (prompt) => this.promptTokens(prompt),
      prompts: (texts) => this.tokenizePrompts(texts),
      texts: (texts) => this.tokenizeTexts(texts),
    };
  }

  async #seam(
    prompt: Prompt,
    choices: readonly ChoiceInput[],
    { boundary, terminator }: ChooseRequest,
  ): Promise<Seam> {
    const find = boundary === 'joint' ? joint : separate;
    const seam = await find(this.#tokenizer, prompt, choices);
    if (terminator.kind === 'text') {
      const suffix = await this.tokenize(terminator.text);
      if (suffix.length === 0)
        throw wrongRange('at least one token', 'terminator', terminator.text);
      seam.paths = seam.paths.map((path) => concatenate(path, suffix));
    }
    const empty = seam.paths.findIndex((path) => path.length === 0);
    if (empty >= 0 && terminator.kind === 'none') {
      throw emptyChoice(`choices[${empty}]`, choices[empty]);
    }
    return seam;
  }

  #treeRequest(
    tree: TokenChoiceTree,
    { terminator, sequential, signal }: ChooseRequest,
  ): TreeRequest {
    const request = this.#withoutEnds(tree, sequential, signal);
    if (terminator.kind !== 'eog') return request;
    request.endTokens = this.endOfGeneration;
    if (request.endTokens.length === 0) {
      throw new NotSupportedError("Terminator 'eog' needs an end-of-generation token");
    }
    for (const node of tree.ends) request.endAt[node] = 1;
    return request;
  }

  #withoutEnds(
    tree: TokenChoiceTree,
    sequential: boolean,
    signal: AbortSignal | undefined,
  ): TreeRequest {
    const endAt = new Uint8Array(tree.tokens.length);
    return { endAt, endTokens: new Int32Array(0), sequential, signal };
  }

  #checkTreeFits(prompt: Int32Array, tree: TokenChoiceTree, { endTokens }: TreeRequest): void {
    const size = this.contextSize;
    // Nothing is decoded after the last token of the deepest choice, unless its end is scored.
    const decoded = endTokens.length > 0 ? tree.depth : Math.max(0, tree.depth - 1);
    if (size === undefined || prompt.length + decoded <= size) return;
    throw new ContextOverflowError(
      `The prompt of ${prompt.length} tokens and the deepest choice of ${tree.depth} ` +
        `do not fit in the context of ${size}`,
    );
  }

  async #texts(choices: readonly ChoiceInput[]): Promise<string[]> {
    const texts: string[] = [];
    for (const choice of choices) {
      const text = typeof choice === 'string' ? choice : this.textOf(choice);
      texts.push(typeof text === 'string' ? text : await text);
    }
    return texts;
  }
}
