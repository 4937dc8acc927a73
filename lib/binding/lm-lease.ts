// An LM in use by a binding. When another takes its place, it is closed once its generations have
// ended; when the model is destroyed, at once.

import type { LM } from '../lm.js';

/** An LM, the generations that use it, and how it is freed. */
export class LMLease<L extends LM = LM> {
  readonly lm: L;
  readonly #free: () => Promise<void>;
  #users = 0;
  #isRetired = false;
  #freeing: Promise<void> | undefined;

  constructor(lm: L, free: () => Promise<void>) {
    this.lm = lm;
    this.#free = free;
  }

  /** Runs a work that uses the LM. */
  async use<T>(work: (lm: L) => Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await work(this.lm);
    } finally {
      this.#users--;
      // Its failure is not the caller's.
      if (this.#isRetired && this.#users === 0) await this.free().catch(() => {});
    }
  }

  /** Frees the LM once nobody uses it. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    if (this.#users === 0) await this.free();
  }

  /** Frees the LM, and ends what uses it. */
  free(): Promise<void> {
    this.#freeing ??= this.#free();
    return this.#freeing;
  }
}
