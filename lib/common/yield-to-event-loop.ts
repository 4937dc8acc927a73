// Yields to the event loop during work that grows with the caller's input, so that a server that
// ranks ten thousand choices stays responsive.

import { setImmediate } from 'node:timers/promises';

/** From this many choices on, a step takes a few milliseconds. */
const noticeable = 1000;

/** Milliseconds after which timers, signals and input may run. */
const longest = 8;

/**
 * Yields to the event loop every few milliseconds, in a loop of steps that may all settle without it:
 * otherwise nothing else would happen until the end of the loop, not even an abort.
 */
export class EventLoopTurns {
  #last = performance.now();

  async take(): Promise<void> {
    if (performance.now() - this.#last < longest) return;
    await setImmediate();
    this.#last = performance.now();
  }
}

/** Yields to the event loop if the preceding step was long. */
export async function yieldToEventLoop(choices: number): Promise<void> {
  if (choices >= noticeable) await setImmediate();
}
