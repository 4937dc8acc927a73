// Runs a rendering, which is interruptible: at once, or with pauses that let others run. Statements
// and expressions are generators that yield wherever a pause is possible.

import { setImmediate } from 'node:timers/promises';
import { deferPause, type Limits, Meter, metered } from './meter.js';

/** Work that yields where it may pause. */
export type Stepwise<T> = Generator<void, T>;

/** The result of work, without pauses. */
export function finish<T>(work: Stepwise<T>): T {
  let next = work.next();
  while (!next.done) {
    deferPause();
    next = work.next();
  }
  return next.value;
}

/** Renders at once, which holds up the event loop for as long as it takes. */
export const renderNow = (work: Stepwise<string>, limits: Limits): string =>
  metered(new Meter(limits, false), () => finish(work));

/** Renders with pauses; rejects with the signal's reason when it aborts. */
export async function renderWithPauses(
  work: Stepwise<string>,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<string> {
  const meter = new Meter(limits, true);
  for (;;) {
    signal?.throwIfAborted();
    const next = metered(meter, () => work.next());
    if (next.done) return next.value;
    await setImmediate();
  }
}
