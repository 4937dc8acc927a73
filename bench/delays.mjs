// Measures event loop delays of a contender during its work. contender.mjs calls it; event-loop.mjs
// computes percentiles of the samples.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** Sampling interval in milliseconds, which is also what an idle loop measures. */
export const resolution = 1;

/**
 * Milliseconds of sampling before and after the work: the first sample needs one turn of the loop,
 * and a blocked loop is only recorded by the sample after the block.
 */
const margin = 5;

/**
 * The result of `work`, and the delays during it as [milliseconds, count], ascending. The histogram
 * exposes only percentiles, each halving the distance to 100, so most delays are upper bounds. The
 * largest are exact.
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
