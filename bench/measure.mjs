// Runs the contenders of a trial in turns, A B C A B C …, and computes medians and ratios of their
// times.

import { setTimeout as sleep } from 'node:timers/promises';
import { startContender } from './contender.mjs';

/** Milliseconds before each turn: threads of the previous contender may still spin. */
const settling = 200;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One turn: uncounted warm-up runs, since others used the CPU caches meanwhile, then counted runs. */
export async function turn(contender, { warmups, repetitions }) {
  await sleep(settling);
  const runs = [];
  for (let i = 0; i < warmups + repetitions; i++) runs.push(await contender.go());
  return runs.slice(warmups);
}

/**
 * Results per contender, by key: median elapsed and CPU time, the median elapsed time of each round,
 * and the contender's facts, including those of its last run. `warmups` and `repetitions` are per
 * turn. Each contender also has one uncounted run at the start, unless `fresh`.
 */
export async function measure(setup, specs, { rounds, fresh = false, ...schedule }) {
  const started = [];
  try {
    for (const spec of specs) started.push(await startContender(spec));
    if (!fresh) for (const contender of started) await contender.go();
    const turns = started.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, contender] of started.entries()) {
        turns[i].push(await turn(contender, schedule));
      }
    }
    const results = started.map(({ name, facts }, i) => {
      if (specs[i].isOurs) for (const { delays } of turns[i].flat()) setup.log(delays);
      return resultOf(name, facts, turns[i]);
    });
    return Object.fromEntries(specs.map(({ key }, i) => [key, results[i]]));
  } finally {
    await Promise.all(started.map((contender) => contender.stop()));
  }
}

/**
 * The results of each contender with a fresh process per round. A first, uncounted round fills the
 * page cache.
 */
export async function measureFresh(specs, { rounds }) {
  const runs = specs.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, spec] of specs.entries()) {
      const contender = await startContender(spec);
      try {
        await sleep(settling);
        runs[i].push(await contender.go());
      } finally {
        await contender.stop();
      }
    }
  }
  return runs.map((all) => all.slice(1));
}

/** Aggregates the rounds of one contender. */
export function resultOf(name, facts, turns) {
  const medianOf = (runs, time) => median(runs.map((run) => run[time]));
  const [ms, cpuMs] = ['ms', 'cpuMs'].map((time) => medianOf(turns.flat(), time));
  const rounds = turns.map((runs) => medianOf(runs, 'ms'));
  return { name, facts: { ...facts, ...turns.at(-1).at(-1) }, ms, cpuMs, rounds };
}

/** Time of `a` relative to `b`: the median of the rounds' ratios, robust to a slow round. */
export function ratio(a, b) {
  return median(a.rounds.map((ms, round) => ms / b.rounds[round]));
}

/** Time of `a` minus `b` in milliseconds: the median of the rounds' differences. */
export function excess(a, b) {
  return median(a.rounds.map((ms, round) => ms - b.rounds[round]));
}
