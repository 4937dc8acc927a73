// Scores, probabilities and ranks of a set of choices from their log-probabilities. Pure
// arithmetic; `lib/choice.ts` calls it.

import { logSumExp } from './log-softmax.js';

/** What ranking needs to know of one choice. */
export interface Rankable {
  /** Natural log-probability of the choice. */
  logprob: number;
  /** What the log-probability is divided by: 1 without normalisation. */
  length: number;
  /** Equal for choices of equal tokens. */
  path: number;
}

/** One choice's place in the set. */
export interface Rank {
  score: number;
  probability: number;
  /** 1 for the best; of equals, the lower index first. */
  rank: number;
}

/** The set as a whole. */
export interface Ranking {
  /** Per choice, in the caller's order. */
  choices: Rank[];
  /** The index of the best choice. */
  winner: number;
  /** Σ exp(logprob) over distinct paths. */
  mass: number;
  /** Score of the winner − score of the next distinct choice; Infinity where there is none. */
  margin: number;
}

/**
 * Ranks choices by score = logprob / length. Choices of equal path and equal score are
 * duplicates: they get equal probabilities, and count once in `mass`, `margin` and the
 * softmax that the probabilities are.
 */
export function rank(choices: readonly Rankable[]): Ranking {
  const scores = choices.map(({ logprob, length }) => logprob / length);
  const score = (index: number): number => scores[index] as number;
  const order = [...choices.keys()].sort((a, b) => score(b) - score(a) || a - b);

  const masses = new Map<number, number>();
  const distinct = new Map<string, number>();
  for (const index of order) {
    const { logprob, path } = choices[index] as Rankable;
    masses.set(path, Math.exp(logprob));
    distinct.set(`${path}:${score(index)}`, score(index));
  }
  const distinctScores = [...distinct.values()];
  const total = logSumExp(distinctScores);
  const [best = 0, second = -Infinity] = distinctScores;

  const ranks = new Map(order.map((index, place) => [index, place + 1]));
  return {
    choices: scores.map((value, index) => ({
      score: value,
      probability: value === -Infinity ? 0 : Math.exp(value - total),
      rank: ranks.get(index) as number,
    })),
    winner: order[0] ?? 0,
    mass: [...masses.values()].reduce((sum, value) => sum + value, 0),
    margin: second === -Infinity ? Infinity : best - second,
  };
}
