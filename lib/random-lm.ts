// RandomLM: bytes as tokens, and random log-probabilities. For tests and dry runs of what calls a
// model, and for replaying the random model of AutoCog.

import { ChoiceLM } from './choice-lm.js';
import {
  checkInteger,
  checkOneOf,
  checkOptions,
  checkString,
  checkTokens,
} from './common/arguments.js';
import { hasBit } from './common/bits.js';
import { NotSupportedError } from './common/errors.js';
import { logSoftmax } from './common/log-softmax.js';
import { MersenneTwister, nextFloat } from './common/mersenne-twister.js';
import {
  type DetokenizeOptions,
  readDetokenizeOptions,
  readTokenizeOptions,
  type TokenizeOptions,
} from './common/text-options.js';
import { type Cost, noCost } from './common/usage.js';
import type { CompletionDefaults } from './generation/completion-options.js';
import type { TokenChoiceTree } from './tree/token-choice-tree.js';
import type { TreeRequest, TreeScores } from './tree/tree-scoring.js';
import { noScores } from './tree/tree-walk.js';

const begin = 256;
const end = 257;
const vocabularySize = 258;
const controls = new Map([
  ['<begin>', begin],
  ['<end>', end],
]);

/** How much less likely bytes are that are no printable ASCII: a factor of 1000. */
const unprintable = Math.log(1000);

const isVisible = (token: number): boolean => token >= 32 && token <= 126;
const isPrintable = (token: number): boolean => isVisible(token) || token === 9 || token === 10;

/** Options of a {@link RandomLM}. */
export interface RandomLMOptions {
  /** An integer from 0 to 2^32 − 1. Default 42. */
  seed?: number | undefined;
  /** Default: unlimited. */
  contextSize?: number | undefined;
  /**
   * `'tokens'` (default): probabilities depend on the seed and the tokens before, so that each call is
   * reproducible. `'sequence'`: `choose`, `score` and automata take the next numbers of one generator
   * instead, one for each scored token, as AutoCog's random model does. These numbers are no
   * distribution, and depend on all calls before. As there, prompts get no begin token, and no token
   * ends a generation.
   */
  draws?: 'tokens' | 'sequence' | undefined;
  /**
   * The law of a negated log-probability: `'exponential'` (default) with mean 2, or `'uniform'` from 0
   * to 10, as AutoCog had before.
   */
  law?: 'exponential' | 'uniform' | undefined;
  /** Defaults of `complete`. */
  completion?: CompletionDefaults | undefined;
}

/**
 * An LM with random probabilities. Its 258 tokens are the bytes of UTF-8, `<begin>` and `<end>`.
 *
 * @example
 * const lm = new RandomLM({ seed: 7 });
 * const { text } = await lm.choose('The sky is', [' blue', ' green']);
 */
export class RandomLM extends ChoiceLM {
  readonly #seed: number;
  readonly #contextSize: number | undefined;
  readonly #isSequence: boolean;
  readonly #law: 'exponential' | 'uniform';
  readonly #sequence: MersenneTwister;

  /** @throws TypeError, RangeError for invalid options */
  constructor(options?: RandomLMOptions) {
    const known = ['seed', 'contextSize', 'draws', 'law', 'completion'] as const;
    const checked = checkOptions(options, 'options', known);
    super({ completion: checked.completion });
    const { contextSize } = checked;
    this.#seed = checkInteger(checked.seed ?? 42, 'seed', 0, 2 ** 32 - 1);
    this.#contextSize =
      contextSize === undefined ? undefined : checkInteger(contextSize, 'contextSize', 1);
    const draws = checkOneOf(checked.draws ?? 'tokens', 'draws', ['tokens', 'sequence']);
    this.#isSequence = draws === 'sequence';
    this.#law = checkOneOf(checked.law ?? 'exponential', 'law', ['exponential', 'uniform']);
    this.#sequence = new MersenneTwister(this.#seed);
  }

  override get vocabularySize(): number {
    return vocabularySize;
  }

  override get contextSize(): number | undefined {
    return this.#contextSize;
  }

  override get beginToken(): number {
    return begin;
  }

  override get endOfGeneration(): Int32Array {
    return this.#isSequence ? new Int32Array(0) : Int32Array.of(end);
  }

  override async tokenize(text: string, options?: TokenizeOptions): Promise<Int32Array> {
    checkString(text, 'text');
    const { addSpecial, parseSpecial, signal } = readTokenizeOptions(options);
    await this.admit(signal);
    const parts = parseSpecial ? text.split(/(<begin>|<end>)/) : [text];
    const tokens = parts.flatMap((part, index) => {
      const control = index % 2 === 1 ? controls.get(part) : undefined;
      return control === undefined ? [...Buffer.from(part)] : [control];
    });
    return Int32Array.from(addSpecial && !this.#isSequence ? [begin, ...tokens] : tokens);
  }

  override async detokenize(tokens: Int32Array, options?: DetokenizeOptions): Promise<string> {
    const copy = checkTokens(tokens, 'tokens', vocabularySize).slice();
    const { special, signal } = readDetokenizeOptions(options);
    await this.admit(signal);
    const names = new Map(Array.from(controls, ([name, token]) => [token, name]));
    const parts = Array.from(copy, (token) => {
      const name = names.get(token);
      if (name === undefined) return Uint8Array.of(token);
      return Buffer.from(special ? name : '');
    });
    return Buffer.concat(parts).toString();
  }

  protected override async greedyImpl(tokens: Int32Array): Promise<Float32Array> {
    // FNV-1a over the tokens.
    const hash = tokens.reduce(
      (mixed, token) => Math.imul(mixed ^ token, 16777619),
      this.#seed ^ 2166136261,
    );
    const generator = new MersenneTwister(hash >>> 0);
    const logits = Float64Array.from({ length: vocabularySize }, (_, token) => {
      const drawn = -this.#draw(generator);
      return token === end || isPrintable(token) ? drawn : drawn - unprintable;
    });
    logits[begin] = -Infinity;
    return logSoftmax(logits);
  }

  /** With draws `'sequence'`: one number per node, in depth-first order. */
  protected override async scoreTree(
    prompt: Int32Array,
    tree: TokenChoiceTree,
    request: TreeRequest,
  ): Promise<TreeScores & Cost> {
    if (!this.#isSequence) return super.scoreTree(prompt, tree, request);
    if (request.details) {
      throw new NotSupportedError("There are no details with draws 'sequence'");
    }
    const scores = noScores(tree);
    for (let node = 1; node < tree.tokens.length; node++) {
      scores.logprobs[node] = -this.#draw(this.#sequence);
    }
    const cost = noCost();
    cost.usage.promptTokens = prompt.length;
    return { ...scores, ...cost };
  }

  protected override nextAllowed(
    tokens: Int32Array,
    allowed: Uint8Array | undefined,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    if (!this.#isSequence) return super.nextAllowed(tokens, allowed, signal);
    return this.nextDraws(tokens, allowed);
  }

  /**
   * The next numbers of the sequence, one for each allowed token in ascending order; −Infinity for the
   * others, and for bytes that are no printable ASCII, tab or line feed, which take none. With law
   * `'uniform'`, only printable ASCII is drawn.
   */
  protected async nextDraws(
    _tokens: Int32Array,
    allowed: Uint8Array | undefined,
  ): Promise<Float32Array> {
    return Float32Array.from({ length: vocabularySize }, (_, token) => {
      const isDrawn =
        this.#law === 'uniform' ? isVisible(token) : token >= begin || isPrintable(token);
      if (!isDrawn || (allowed !== undefined && !hasBit(allowed, token))) return -Infinity;
      return -this.#draw(this.#sequence);
    });
  }

  /** A negated log-probability, in single precision as libstdc++ computes it. */
  #draw(generator: MersenneTwister): number {
    const uniform = nextFloat(generator);
    if (this.#law === 'uniform') return Math.fround(uniform * 10);
    return Math.fround(-Math.fround(Math.log(Math.fround(1 - uniform))) / 0.5);
  }
}
