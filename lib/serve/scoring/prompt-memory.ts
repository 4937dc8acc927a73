// What is known of prompts that were scored: clients that send the choices of one question in
// requests of their own send its beginning with each of them. What is remembered of a beginning
// is not computed again; `tree-scores.ts` has only the rest scored, after a prompt that the
// engine's prefix cache then holds.

import { commonPrefix } from '../../common/token-arrays.js';
import type { LLaMa } from '../../llama.js';

/** What scoring finds of a prompt: entry i is of its i-th token; nothing is known of the first. */
export interface PromptValues {
  tokens: Int32Array;
  /** log P(token | those before it). */
  logprobs: Float64Array;
  /** The likeliest token in its place, and its log-probability. */
  bestTokens: Int32Array;
  bestLogprobs: Float64Array;
}

/** Prompts, and tokens of all of them: some 25 MB. */
const mostPrompts = 64;
const mostTokens = 2 ** 20;

/** The prompts that were scored last. */
export class PromptMemory {
  /** Whose prompts they are. */
  readonly lm: LLaMa;
  /** The latest first. */
  #known: PromptValues[] = [];
  #tokens = 0;
  #revision = Number.NaN;

  constructor(lm: LLaMa) {
    this.lm = lm;
  }

  /** The prompt that has most in common with these tokens at its beginning, and how much. */
  find(tokens: Int32Array): { values: PromptValues; depth: number } | undefined {
    this.#refresh();
    let found: { values: PromptValues; depth: number } | undefined;
    for (const values of this.#known) {
      const depth = commonPrefix(values.tokens, tokens);
      if (depth > (found?.depth ?? 1)) found = { values, depth };
    }
    if (found !== undefined) this.#moveToFront(found.values);
    return found;
  }

  /** Changes when the LM computes otherwise, as with another adapter. */
  get revision(): number {
    return this.lm.revision;
  }

  /**
   * Remembers a prompt, in place of one that is no more than its beginning.
   *
   * @param revision what {@link revision} was before it was scored
   */
  add(values: PromptValues, revision: number): void {
    this.#refresh();
    const { tokens } = values;
    if (revision !== this.#revision || tokens.length > mostTokens) return;
    this.#known = this.#known.filter((other) => {
      const isPart = commonPrefix(other.tokens, tokens) === other.tokens.length;
      if (isPart) this.#tokens -= other.tokens.length;
      return !isPart;
    });
    this.#known.unshift(values);
    this.#tokens += tokens.length;
    while (this.#known.length > mostPrompts || this.#tokens > mostTokens) {
      this.#tokens -= this.#known.pop()?.tokens.length ?? 0;
    }
  }

  #moveToFront(values: PromptValues): void {
    this.#known = [values, ...this.#known.filter((other) => other !== values)];
  }

  #refresh(): void {
    if (this.revision === this.#revision) return;
    this.#revision = this.revision;
    this.#known = [];
    this.#tokens = 0;
  }
}
