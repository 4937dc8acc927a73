// The prefix cache: recently decoded sequences, for prompts that share a prefix with one of them.
// `Engine` owns it and looks up each prompt.

import { commonPrefix } from '../common/token-arrays.js';
import type { Past } from './past.js';

/** A cached sequence. */
export interface CachedSequence {
  readonly tokens: Int32Array;
  /** Its keys and values: one row, as long as the tokens. */
  readonly past: Past;
  /** The next-token log-probabilities after the last token. */
  readonly logprobs: Float32Array;
}

/** An LRU cache of sequences, the most recently used last. */
export class PrefixCache {
  readonly #limit: number;
  #sequences: CachedSequence[] = [];

  /** @param limit maximum total tokens; the last sequence stays even if it exceeds the limit */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The sequence with the longest common prefix with these tokens, and the prefix's length. */
  find(tokens: Int32Array): { cached: CachedSequence; shared: number } | undefined {
    let best: { cached: CachedSequence; shared: number } | undefined;
    for (const cached of this.#sequences) {
      const shared = commonPrefix(cached.tokens, tokens);
      // On a tie prefer the shorter sequence: its past may need no truncation.
      const isBetter =
        best === undefined ||
        shared > best.shared ||
        (shared === best.shared && cached.tokens.length < best.cached.tokens.length);
      if (shared > 0 && isBetter) best = { cached, shared };
    }
    // A short common prefix, such as the BOS token alone, does not count as a use.
    if (best !== undefined && best.shared * 2 >= best.cached.tokens.length) {
      this.#touch(best.cached);
    }
    return best;
  }

  /** Adds a sequence and takes over its past; replaces `continued`, which it extends. */
  add(added: CachedSequence, continued: CachedSequence | undefined): void {
    if (continued !== undefined) this.#drop(continued);
    this.#sequences.push(added);
    let total = this.#sequences.reduce((sum, { tokens }) => sum + tokens.length, 0);
    while (total > this.#limit && this.#sequences.length > 1) {
      const oldest = this.#sequences[0] as CachedSequence;
      total -= oldest.tokens.length;
      this.#drop(oldest);
    }
  }

  /** Releases all sequences. */
  clear(): void {
    for (const cached of [...this.#sequences]) this.#drop(cached);
  }

  #touch(cached: CachedSequence): void {
    this.#sequences = [...this.#sequences.filter((each) => each !== cached), cached];
  }

  #drop(cached: CachedSequence): void {
    const before = this.#sequences.length;
    this.#sequences = this.#sequences.filter((each) => each !== cached);
    if (this.#sequences.length < before) cached.past.release();
  }
}
