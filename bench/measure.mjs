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
export async function turn(contender, { warmups, repetitions }) {
  await sleep(settling);
  const runs = [];
  for (let i = 0; i < warmups + repetitions; i++) runs.push(await contender.go());
  return runs.slice(warmups);
}

/**
 * Per contender, by its key: its medians of elapsed and CPU time, the former's in each round,
 * and its facts, those of its last run included. `warmups` and `repetitions` are per turn;
 * besides, each has one run at the start that does not count, unless `fresh`.
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
 * What each contender answers in a process that was started for it, in every round; a first one,
 * in which files are read from the disk, does not count.
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

/** What the rounds of one contender come to. */
export function resultOf(name, facts, turns) {
  const medianOf = (runs, time) => median(runs.map((run) => run[time]));
  const [ms, cpuMs] = ['ms', 'cpuMs'].map((time) => medianOf(turns.flat(), time));
  const rounds = turns.map((runs) => medianOf(runs, 'ms'));
  return { name, facts: { ...facts, ...turns.at(-1).at(-1) }, ms, cpuMs, rounds };
}

/** How many times as long `a` took: the median of the rounds' ratios, so that what slows a whole round down counts little. */
export function ratio(a, b) {
  return median(a.rounds.map((ms, round) => ms / b.rounds[round]));
}

/** By how many milliseconds `a` took longer: the median of the rounds' differences. */
export function excess(a, b) {
  return median(a.rounds.map((ms, round) => ms - b.rounds[round]));
}
