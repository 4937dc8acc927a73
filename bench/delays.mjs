// How long the event loop of a contender is held up while it works: contender.mjs watches it,
// event-loop.mjs makes percentiles of what was seen.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks at the clock, and so what an idle loop shows. */
export const resolution = 1;

/**
 * The first look comes after one turn of the loop, and what blocks the loop is seen by the look
 * after it: so the watch begins and ends some milliseconds outside of the work.
 */
const margin = 5;

/**
 * What `work` gives, and the delays meanwhile: milliseconds and how often, ascending. The
 * histogram tells its percentiles only, each tick halving the distance to 100, so that of most
 * delays an upper bound is known. The largest are exact.
 */
export async function withDelays(work) {
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  await sleep(margin);
  const result = await work();
  await sleep(margin);
  histogram.disable();
  let below = 0;
  const delays = [...histogram.percentiles].map(([percentile, nanoseconds]) => {
    const count = ((percentile - below) / 100) * histogram.count;
    below = percentile;
    return [nanoseconds / 1e6, count];
  });
  return { result, delays: delays.filter(([, count]) => count > 0) };
}
