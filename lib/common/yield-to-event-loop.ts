// Turns for the event loop in the middle of work that grows with what the caller gave: a
// server that chooses among ten thousand answers goes on answering others meanwhile.

import { setImmediate } from 'node:timers/promises';

/** So many choices take a step of a few milliseconds. */
const noticeable = 1000;

/** Lets others run, if the step before it was long. */
export async function yieldToEventLoop(choices: number): Promise<void> {
  if (choices >= noticeable) await setImmediate();
}
