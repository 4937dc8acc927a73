// Whose turn it is: the order in which requests use the LM, which computes for one at a time.
// `Served` owns one for completions and scores, and one for embeddings.
//
// Each request has a deadline: its arrival plus the time that it is expected to take. The earliest
// deadline goes first, so that short requests pass long ones that wait, but none waits forever.

import { onAbort } from '../common/abort-listeners.js';

/** A request that waits. */
interface Waiting {
  cost: number;
  deadline: number;
  begin: () => void;
}

/** Expected milliseconds per unit of cost, before any request has been measured. */
const firstGuess = 5;
/** How much a new measurement counts. */
const weight = 0.2;

/** What a request costs, in tokens to generate; reading a prompt takes far less per token. */
export const costOf = (promptTokens: number, generatedTokens: number): number =>
  1 + promptTokens / 16 + generatedTokens;

/** The queue for one engine. */
export class Turns {
  readonly #waiting: Waiting[] = [];
  #isBusy = false;
  #msPerCost = firstGuess;

  /** The expected milliseconds until all who wait have had their turn. */
  get backlogMs(): number {
    return this.#waiting.reduce((sum, { cost }) => sum + cost, 0) * this.#msPerCost;
  }

  /** Runs `work` when it is its turn; rejects with the signal's reason if it aborts before. */
  async take<T>(cost: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#isBusy) await this.#wait(cost, signal);
    this.#isBusy = true;
    const start = performance.now();
    try {
      return await work();
    } finally {
      // A request that ended early says nothing about the time that others take.
      if (!signal.aborted) this.#measure((performance.now() - start) / cost);
      this.#next();
    }
  }

  #wait(cost: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const deadline = performance.now() + cost * this.#msPerCost;
      const waiting: Waiting = { cost, deadline, begin: resolve };
      const unlisten = onAbort(signal, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason);
      });
      waiting.begin = () => {
        unlisten();
        resolve();
      };
      this.#waiting.push(waiting);
    });
  }

  #measure(msPerCost: number): void {
    this.#msPerCost += weight * (msPerCost - this.#msPerCost);
  }

  /** Begins the waiting request with the earliest deadline; the engine stays taken meanwhile. */
  #next(): void {
    let first = 0;
    for (const [index, { deadline }] of this.#waiting.entries()) {
      if (deadline < (this.#waiting[first]?.deadline ?? Infinity)) first = index;
    }
    const [next] = this.#waiting.splice(first, 1);
    if (next === undefined) this.#isBusy = false;
    else next.begin();
  }
}
