// Probabilities and ranks of a set of choices, and what is certain of them. Pure arithmetic;
// `lib/choose/choice.ts` calls it.

import { type Bounds, intervalOf, type Standing } from './bounds.js';
import type { DistinctChoices } from './distinct-choices.js';
import { share } from './scaled-sum.js';

/** One choice's place in the set. */
export interface Rank {
  logprob: number;
  score: number;
  probability: number;
  /** 1 for the best; of equals, the lower index first. */
  rank: number;
  /** Whether all of it is known; otherwise `logprob` and `score` are upper bounds. */
  exact: boolean;
  /** Where anything is open: the least and the most that the probability can be. */
  interval?: [low: number, high: number];
}

/** The set as a whole. */
export interface Ranking {
  /** Per choice, in the caller's order. */
  choices: Rank[];
  /** The index of the best choice. */
  winner: number;
  /** How many of the first ranks are certain. */
  certified: number;
  /** Σ exp(logprob) over distinct paths that are complete. */
  mass: number;
  /** Where anything is open: the least and the most that the mass of all can be. */
  massInterval?: [low: number, high: number];
  /** Score of the winner − score of the next distinct choice, or the least that it can be. */
  margin: number;
}

/**
 * Ranks choices by their scores, an open choice by its bound. Choices of one entry are
 * duplicates: they get equal probabilities, and count once in `mass`, `margin` and the sum
 * that the probabilities are shares of.
 */
export function rank(
  { nodes, entries }: Pick<DistinctChoices, 'nodes' | 'entries'>,
  bounds: Bounds,
): Ranking {
  const { standings, complete } = bounds;
  const of = (choice: number): Standing => standings[entries[choice] as number] as Standing;
  const open = standings.filter((standing) => standing.open);
  const scores = Float64Array.from(entries, (entry) => (standings[entry] as Standing).score);
  const ranks = ranksOf(scores);

  const choices = Array.from(entries, (_, choice): Rank => {
    const standing = of(choice);
    const { logprob, score } = standing;
    const rank = ranks[choice] as number;
    if (open.length === 0) {
      return { logprob, score, probability: share(score, complete), rank, exact: true };
    }
    const [low, high] = intervalOf(standing, bounds);
    const probability = (low + high) / 2;
    return { logprob, score, probability, rank, exact: !standing.open, interval: [low, high] };
  });

  let mass = 0;
  for (const [entry, { logprob, open }] of standings.entries()) {
    // Entries stand by node, and those of one node are one path.
    if (!open && nodes[entry] !== nodes[entry - 1]) mass += Math.exp(logprob);
  }
  const winner = Math.max(0, ranks.indexOf(1));
  const margin = marginOf(standings, entries[winner] ?? 0);
  if (open.length === 0) return { choices, winner, certified: ranks.length, mass, margin };

  const limit = open.reduce((most, { score }) => Math.max(most, score), -Infinity);
  const certain = choices.filter(({ exact, score }) => exact && score > limit);
  const massInterval: [number, number] = [mass, mass + bounds.openMass];
  return { choices, winner, certified: certain.length, mass, massInterval, margin };
}

/**
 * 1 for the highest score; of equals, the lower index first. The scores are sorted as numbers,
 * which costs a tenth of what comparing choices does where there are thousands.
 */
function ranksOf(scores: Float64Array): Int32Array {
  const ascending = scores.slice().sort();
  /** Per place in that order, of the first of equals: how many of them have a rank. */
  const taken = new Int32Array(scores.length);
  return Int32Array.from(scores, (score) => {
    const first = placeOf(ascending, score);
    // Of equals the last place is the best rank.
    let last = first;
    if (ascending[first + 1] === score) last = placeOf(ascending, score, true) - 1;
    const before = taken[first] as number;
    taken[first] = before + 1;
    return scores.length - last + before;
  });
}

/** The first place in ascending values that holds one not below `value`, or one above it. */
function placeOf(ascending: Float64Array, value: number, above = false): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const here = ascending[middle] as number;
    if (here < value || (above && here === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The least that the winner can be ahead. An open one may turn out to be impossible. */
function marginOf(standings: readonly Standing[], winner: number): number {
  const score = (entry: number): number => standings[entry]?.score ?? -Infinity;
  const next = [...standings.keys()].reduce(
    (most, entry) => (entry === winner ? most : Math.max(most, score(entry))),
    -Infinity,
  );
  if (standings[winner]?.open) return -Infinity;
  if (next === -Infinity) return Infinity;
  return score(winner) === next ? 0 : score(winner) - next;
}
