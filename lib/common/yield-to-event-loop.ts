// Yields to the event loop during work that grows with the caller's input, so that a server that
// ranks ten thousand choices stays responsive.

import { setImmediate } from 'node:timers/promises';

/** From this many choices on, a step takes a few milliseconds. */
const noticeable = 1000;

/** Yields to the event loop if the preceding step was long. */
export async function yieldToEventLoop(choices: number): Promise<void> {
  if (choices >= noticeable) await setImmediate();
}
