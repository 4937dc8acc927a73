// Yields to the event loop during work that grows with the caller's input, so that a server that
// ranks ten thousand choices stays responsive.

import { setImmediate } from 'node:timers/promises';

/** From this many choices on, a step takes a few milliseconds. */
const noticeable = 1000;

/** Yields to the event loop if the preceding step was long. */
export async function yieldToEventLoop(choices: number): Promise<void> {
  if (choices >= noticeable) await setImmediate();
}

/** How long work may hold up the event loop, in milliseconds. */
const sliceMs = 5;

/**
 * Paces a loop: it asks at every turn whether others should have theirs. Steps that settle without the
 * event loop hold it up, too, and with it timers, signals and aborts.
 */
export class Pace {
  readonly #signal: AbortSignal | undefined;
  #resumed = performance.now();

  /** @param signal aborts the loop at its next pause */
  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Whether it is time for a pause. */
  get isDue(): boolean {
    return performance.now() - this.#resumed > sliceMs;
  }

  /** Lets others run; rejects with the signal's reason if it has aborted. */
  async pause(): Promise<void> {
    await setImmediate();
    this.#signal?.throwIfAborted();
    this.#resumed = performance.now();
  }
}
