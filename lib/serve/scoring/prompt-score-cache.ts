// Scores of recent prompts. Clients that send the choices of one question in separate requests
// repeat its context in each of them; a cached prefix is not scored again. `tree-scores.ts` scores
// only the rest, after a prompt that the engine's prefix cache then holds.

import { commonPrefix } from '../../common/token-arrays.js';
import type { LLaMa } from '../../llama.js';

/** The scores of one prompt. Entry i belongs to token i; entry 0 has no values. */
export interface PromptScores {
  tokens: Int32Array;
  /** log P(token | preceding tokens). */
  logprobs: Float64Array;
  /** The most likely token at each position, and its log-probability. */
  bestTokens: Int32Array;
  bestLogprobs: Float64Array;
}

/** Limits on the number of prompts, and on the tokens of all prompts together: about 25 MB. */
const maxPrompts = 64;
const maxTokens = 2 ** 20;

/** An LRU cache of prompt scores, matched by longest common prefix. */
export class PromptScoreCache {
  /** The LM that computed the scores. */
  readonly lm: LLaMa;
  /** Most recently used first. */
  #entries: PromptScores[] = [];
  #tokens = 0;
  #revision = Number.NaN;

  constructor(lm: LLaMa) {
    this.lm = lm;
  }

  /** The cached prompt with the longest common prefix, and the length of that prefix. */
  find(tokens: Int32Array): { scores: PromptScores; depth: number } | undefined {
    this.#invalidateIfStale();
    let found: { scores: PromptScores; depth: number } | undefined;
    for (const scores of this.#entries) {
      const depth = commonPrefix(scores.tokens, tokens);
      if (depth > (found?.depth ?? 1)) found = { scores, depth };
    }
    if (found !== undefined) this.#moveToFront(found.scores);
    return found;
  }

  /** Changes whenever the LM computes different values, e.g. after an adapter change. */
  get revision(): number {
    return this.lm.revision;
  }

  /**
   * Adds a prompt and evicts prompts that are prefixes of it.
   *
   * @param revision the {@link revision} from before scoring started
   */
  add(scores: PromptScores, revision: number): void {
    this.#invalidateIfStale();
    const { tokens } = scores;
    if (revision !== this.#revision || tokens.length > maxTokens) return;
    this.#entries = this.#entries.filter((other) => {
      const isPrefix = commonPrefix(other.tokens, tokens) === other.tokens.length;
      if (isPrefix) this.#tokens -= other.tokens.length;
      return !isPrefix;
    });
    this.#entries.unshift(scores);
    this.#tokens += tokens.length;
    while (this.#entries.length > maxPrompts || this.#tokens > maxTokens) {
      this.#tokens -= this.#entries.pop()?.tokens.length ?? 0;
    }
  }

  #moveToFront(scores: PromptScores): void {
    this.#entries = [scores, ...this.#entries.filter((other) => other !== scores)];
  }

  #invalidateIfStale(): void {
    if (this.revision === this.#revision) return;
    this.#revision = this.revision;
    this.#entries = [];
    this.#tokens = 0;
  }
}
