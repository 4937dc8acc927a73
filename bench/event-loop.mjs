// What the event loops of autocog-lm's contenders suffered in all trials, and what they may.

import { resolution } from './delays.mjs';
import { atMost, tell } from './goals.mjs';
import { printTable } from './report.mjs';

/** The delay that `percentile` per cent of all looks did not exceed. */
function at(delays, percentile) {
  const sorted = [...delays].sort(([a], [b]) => a - b);
  const wanted = (countOf(delays) * percentile) / 100;
  let seen = 0;
  for (const [ms, count] of sorted) {
    seen += count;
    // Counts are shares of a whole, and their sums are off by their last digits.
    if (seen >= wanted - 1e-6) return ms;
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

  /** Per trial, and for all of them together: how many looks, and percentiles in milliseconds. */
  summary() {
    const all = [...this.#byTrial.values()].flat();
    return [...this.#byTrial, ['all', all]].map(([trial, delays]) => {
      const [p50, p99, p999, most] = [50, 99, 99.9, 100].map((p) => at(delays, p));
      return { trial, count: Math.round(countOf(delays)), p50, p99, p999, most };
    });
  }
}

/** Prints the log, if there is anything in it, and gives what is to be reached. */
export function reportDelays(log) {
  const summary = log.summary();
  if (summary.length === 1) return [];
  const ms = (value) => value.toFixed(1);
  printTable(
    `event loop: milliseconds between two looks, ${resolution} asked for, in autocog-lm's counted runs`,
    ['trial', 'looks', 'median', '99 %', '99.9 %', 'most'],
    summary.map(({ trial, count, p50, p99, p999, most }) => {
      return [trial, count, ...[p50, p99, p999, most].map(ms)];
    }),
  );
  const all = summary.at(-1);
  const worst = summary.reduce((most, one) => (one.p999 > most.p999 ? one : most));
  const goal = (what, { p999 }) => atMost(what, p999, 10, (value) => `${ms(value)} ms`);
  return tell(
    goal('99.9 % of the delays, all trials together', all),
    // A long trial with a free event loop would hide a short one without.
    goal(`99.9 % of the delays, in the worst trial (${worst.trial})`, worst),
  );
}
