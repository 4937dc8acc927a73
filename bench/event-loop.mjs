// Event loop delays of autocog-lm's contenders over all trials, and their goals.

import { resolution } from './delays.mjs';
import { atMost, reportGoals } from './goals.mjs';
import { printTable } from './report.mjs';

/** The delay that `percentile` percent of all samples did not exceed. */
function at(delays, percentile) {
  const sorted = [...delays].sort(([a], [b]) => a - b);
  const target = (countOf(delays) * percentile) / 100;
  let seen = 0;
  for (const [ms, count] of sorted) {
    seen += count;
    // Counts are computed from percentiles, so their sums have rounding errors.
    if (seen >= target - 1e-6) return ms;
  }
  return sorted.at(-1)?.[0] ?? Number.NaN;
}

const countOf = (delays) => delays.reduce((sum, [, count]) => sum + count, 0);

export class DelayLog {
  #byTrial = new Map();

  add(trial, delays) {
    if (delays.length === 0) return;
    const known = this.#byTrial.get(trial) ?? [];
    this.#byTrial.set(trial, [...known, ...delays]);
  }

  /** Per trial, and for all trials together: the number of samples, and percentiles in milliseconds. */
  summary() {
    const all = [...this.#byTrial.values()].flat();
    return [...this.#byTrial, ['all', all]].map(([trial, delays]) => {
      const [p50, p99, p999, max] = [50, 99, 99.9, 100].map((p) => at(delays, p));
      return { trial, count: Math.round(countOf(delays)), p50, p99, p999, max };
    });
  }
}

/** Prints the log if it is not empty, and returns its goals. */
export function reportDelays(log) {
  const summary = log.summary();
  if (summary.length === 1) return [];
  const ms = (value) => value.toFixed(1);
  printTable(
    `event loop: milliseconds between two samples, ${resolution} requested, in autocog-lm's counted runs`,
    ['trial', 'samples', 'median', '99 %', '99.9 %', 'max'],
    summary.map(({ trial, count, p50, p99, p999, max }) => {
      return [trial, count, ...[p50, p99, p999, max].map(ms)];
    }),
  );
  const all = summary.at(-1);
  const worst = summary.reduce((max, one) => (one.p999 > max.p999 ? one : max));
  const goal = (what, { p999 }) => atMost(what, p999, 10, (value) => `${ms(value)} ms`);
  return reportGoals(
    goal('99.9 % of the delays, all trials together', all),
    // A long trial with an unblocked event loop would hide a short one with a blocked loop.
    goal(`99.9 % of the delays, in the worst trial (${worst.trial})`, worst),
  );
}
