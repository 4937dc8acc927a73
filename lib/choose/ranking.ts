// Probabilities and ranks of a set of choices, and how many ranks are certain. Pure arithmetic;
// `lib/choose/choose.ts` calls it.

import { type Bounds, intervalOf, type Standing } from './bounds.js';
import type { DistinctChoices } from './distinct-choices.js';
import { share } from './scaled-sum.js';

/** One choice's probability and rank in the set. */
export interface Rank {
  logprob: number;
  score: number;
  probability: number;
  /** 1 for the best; ties rank by index. */
  rank: number;
  /** Whether it is fully known; otherwise `logprob` and `score` are upper bounds. */
  exact: boolean;
  /** Lower and upper bound of the probability; set if any choice is open. */
  interval?: [low: number, high: number];
}

/** The set as a whole. */
export interface Ranking {
  /** Per choice, in the caller's order. */
  choices: Rank[];
  /** The index of the best choice. */
  winner: number;
  /** How many of the top ranks are certain. */
  certified: number;
  /** Σ exp(logprob) over distinct complete paths. */
  mass: number;
  /** Lower and upper bound of the mass of the whole set; set if any choice is open. */
  massInterval?: [low: number, high: number];
  /** Score of the winner − score of the next distinct choice, or a lower bound of it. */
  margin: number;
}

/**
 * Ranks choices by score, open choices by their bound. Choices with the same entry are duplicates:
 * they get equal probabilities, and count once in `mass`, `margin` and the normalizing sum of the
 * probabilities.
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
    // Entries are sorted by node, and those of one node share a path.
    if (!open && nodes[entry] !== nodes[entry - 1]) mass += Math.exp(logprob);
  }
  const winner = Math.max(0, ranks.indexOf(1));
  const margin = marginOf(standings, entries[winner] ?? 0);
  if (open.length === 0) return { choices, winner, certified: ranks.length, mass, margin };

  const limit = open.reduce((max, { score }) => Math.max(max, score), -Infinity);
  const certain = choices.filter(({ exact, score }) => exact && score > limit);
  const massInterval: [number, number] = [mass, mass + bounds.openMass];
  return { choices, winner, certified: certain.length, mass, massInterval, margin };
}

/**
 * 1 for the highest score; ties rank by index. Sorting the scores as numbers takes a tenth of the
 * time of sorting thousands of choices with a comparison function.
 */
function ranksOf(scores: Float64Array): Int32Array {
  const ascending = scores.slice().sort();
  /** At the first position of each distinct score: how many ties have a rank already. */
  const taken = new Int32Array(scores.length);
  return Int32Array.from(scores, (score) => {
    const first = positionOf(ascending, score);
    // Of ties, the last position is the best rank.
    let last = first;
    if (ascending[first + 1] === score) last = positionOf(ascending, score, true) - 1;
    const before = taken[first] as number;
    taken[first] = before + 1;
    return scores.length - last + before;
  });
}

/** Binary search: the first position with a value ≥ `value`; with `above`, > `value`. */
function positionOf(ascending: Float64Array, value: number, above = false): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const found = ascending[middle] as number;
    if (found < value || (above && found === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The lower bound of the winner's lead. An open winner may turn out to be impossible. */
function marginOf(standings: readonly Standing[], winner: number): number {
  const score = (entry: number): number => standings[entry]?.score ?? -Infinity;
  const next = [...standings.keys()].reduce(
    (max, entry) => (entry === winner ? max : Math.max(max, score(entry))),
    -Infinity,
  );
  if (standings[winner]?.open) return -Infinity;
  if (next === -Infinity) return Infinity;
  return score(winner) === next ? 0 : score(winner) - next;
}
