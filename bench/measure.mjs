// Runs the contenders of a trial side by side, A B C A B C …, and makes medians and ratios of
// what they took.

import { setTimeout as sleep } from 'node:timers/promises';
import { startContender } from './contender.mjs';

/** Milliseconds before each turn: the threads of the one before may spin for a while. */
const settling = 200;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One turn: some runs that do not count, as the other contenders had the caches, then some that do. */
async function turn(contender, { warmups, repetitions }) {
  await sleep(settling);
  const times = [];
  for (let i = 0; i < warmups + repetitions; i++) times.push(await contender.go());
  return times.slice(warmups);
}

/** Per contender, by its key: its facts, its medians of elapsed and CPU time, the former's in each round. */
export async function measure(specs, schedule) {
  const started = [];
  try {
    for (const spec of specs) started.push(await startContender(spec));
    const turns = started.map(() => []);
    for (let round = 0; round < schedule.rounds; round++) {
      for (const [i, contender] of started.entries()) {
        turns[i].push(await turn(contender, schedule));
      }
    }
    const results = started.map(({ name, facts }, i) => {
      const medianOf = (runs, time) => median(runs.map((run) => run[time]));
      const [ms, cpuMs] = ['ms', 'cpuMs'].map((time) => medianOf(turns[i].flat(), time));
      return { name, facts, ms, cpuMs, rounds: turns[i].map((runs) => medianOf(runs, 'ms')) };
    });
    return Object.fromEntries(specs.map(({ key }, i) => [key, results[i]]));
  } finally {
    await Promise.all(started.map((contender) => contender.stop()));
  }
}

/** How many times as long `a` took: the median of the rounds' ratios, so that what slows a whole round down counts little. */
export function ratio(a, b) {
  return median(a.rounds.map((ms, round) => ms / b.rounds[round]));
}
