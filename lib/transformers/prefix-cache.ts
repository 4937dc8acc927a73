// The sequences that were decoded last, for calls that begin like one of them. The Engine owns it
// and asks it once per call.

import { commonPrefix } from '../common/token-arrays.js';
import type { Past } from './past.js';

/** A sequence: its tokens, what the network goes on from, and what it said comes next. */
export interface Kept {
  readonly tokens: Int32Array;
  /** Of one row, and as long as the tokens. */
  readonly past: Past;
  readonly logprobs: Float32Array;
}

/** Sequences, those used last at the end. */
export class PrefixCache {
  readonly #limit: number;
  #kept: Kept[] = [];

  /** @param limit how many tokens all sequences together have at most, unless it is one alone */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The sequence that begins most like these tokens, and how many it has in common with them. */
  find(tokens: Int32Array): { kept: Kept; shared: number } | undefined {
    let best: { kept: Kept; shared: number } | undefined;
    for (const kept of this.#kept) {
      const shared = commonPrefix(kept.tokens, tokens);
      // Of equals that which is no longer than needed: its past need not be cut.
      const isBetter =
        best === undefined ||
        shared > best.shared ||
        (shared === best.shared && kept.tokens.length < best.kept.tokens.length);
      if (shared > 0 && isBetter) best = { kept, shared };
    }
    // A beginning token in common is no use.
    if (best !== undefined && best.shared * 2 >= best.kept.tokens.length) this.#touch(best.kept);
    return best;
  }

  /** Keeps a sequence, whose past it holds from now on, in place of one that it goes on from. */
  add(added: Kept, continued: Kept | undefined): void {
    if (continued !== undefined) this.#drop(continued);
    this.#kept.push(added);
    let total = this.#kept.reduce((sum, { tokens }) => sum + tokens.length, 0);
    while (total > this.#limit && this.#kept.length > 1) {
      const oldest = this.#kept[0] as Kept;
      total -= oldest.tokens.length;
      this.#drop(oldest);
    }
  }

  /** Forgets everything. */
  clear(): void {
    for (const kept of [...this.#kept]) this.#drop(kept);
  }

  #touch(kept: Kept): void {
    this.#kept = [...this.#kept.filter((each) => each !== kept), kept];
  }

  #drop(kept: Kept): void {
    const before = this.#kept.length;
    this.#kept = this.#kept.filter((each) => each !== kept);
    if (this.#kept.length < before) kept.past.release();
  }
}
