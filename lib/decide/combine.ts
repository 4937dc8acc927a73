// Combines the scores of a question's orders into probabilities. Pure arithmetic.
// `lib/decide/make-answer.ts` calls it.

import { scoreOf } from '../choose/bounds.js';
import { plus, type ScaledSum, share, sumOf } from '../choose/scaled-sum.js';

/** What is known about a question's options in one order; every array in the caller's order. */
export interface OrderScores {
  /** Log-probabilities, or upper bounds of them where `open` is 1. */
  logprobs: Float64Array;
  open: Uint8Array;
  /** The divisors of the log-probabilities. */
  lengths: Float64Array;
  /** With a prior: log-probabilities without the state. */
  priors: Float64Array | undefined;
}

/** How scores become probabilities: softmax of score / temperature + bias. */
export interface Scaling {
  temperature: number;
  /** Per option. */
  bias: readonly number[] | undefined;
}

/** One option over all orders. */
export interface CombinedOption {
  logprob: number;
  priorLogprob: number | undefined;
  score: number;
  probability: number;
  exact: boolean;
  interval: [low: number, high: number] | undefined;
  spread: number;
}

/** A question over all orders. */
export interface Combined {
  options: CombinedOption[];
  /** Per order: the probabilities in it alone. */
  alone: number[][];
  mass: number;
}

const meanOf = (values: readonly number[]): number => {
  // An order in which an option is impossible decides, whatever its prior is.
  if (values.includes(-Infinity)) return -Infinity;
  return values.reduce((sum, each) => sum + each, 0) / values.length;
};

/** Exponentials relative to the largest, so that they neither under- nor overflow. */
function softmax(scores: readonly number[]): number[] {
  const sum = sumOf(scores);
  return scores.map((score) => (sum.max === -Infinity ? 0 : share(score, sum)));
}

/**
 * Bounds of a probability where some scores are only upper bounds: such an option may also be
 * impossible.
 */
function intervalsOf(scores: readonly number[], open: readonly boolean[]): [number, number][] {
  const complete = sumOf(scores.filter((_, option) => !open[option]));
  const all = sumOf(scores);
  return scores.map((score, option) => {
    if (!open[option]) return [share(score, all), share(score, complete)];
    const alone: ScaledSum = { max: score, scale: 1 };
    return [0, share(score, plus(complete, alone))];
  });
}

const scaled = (score: number, option: number, { temperature, bias }: Scaling): number =>
  score / temperature + (bias?.[option] ?? 0);

/**
 * Averages log-probabilities over the orders, so that what a label or a position adds to a logit adds
 * the same to every option where each has been in every position.
 */
export function combine(orders: readonly OrderScores[], scaling: Scaling): Combined {
  const scoresIn = ({ logprobs, lengths, priors }: OrderScores): number[] =>
    Array.from(logprobs, (logprob, option) => {
      const length = lengths[option] as number;
      return scoreOf(logprob, length, priors ? (priors[option] as number) / length : 0);
    });
  const perOrder = orders.map(scoresIn);
  const count = orders[0]?.logprobs.length ?? 0;
  const over = <T>(list: readonly T[], read: (order: T) => number): number =>
    meanOf(list.map(read));
  const options = Array.from({ length: count }, (_, option) => option);
  const scores = options.map((option) => {
    return scaled(
      over(perOrder, (order) => order[option] as number),
      option,
      scaling,
    );
  });
  const alone = perOrder.map((order) => {
    return softmax(order.map((score, option) => scaled(score, option, scaling)));
  });
  const open = options.map((option) => orders.some((order) => order.open[option] === 1));
  const intervals = open.includes(true) ? intervalsOf(scores, open) : undefined;
  const middles = intervals?.map(([low, high]) => (low + high) / 2);
  const total = middles?.reduce((sum, each) => sum + each, 0) ?? 1;
  const probabilities = middles?.map((each) => each / total) ?? softmax(scores);
  const massOf = ({ logprobs }: OrderScores): number =>
    logprobs.reduce((sum, logprob) => sum + Math.exp(logprob), 0);
  return {
    options: options.map((option) => ({
      logprob: over(orders, ({ logprobs }) => logprobs[option] as number),
      priorLogprob: orders[0]?.priors && over(orders, ({ priors }) => priors?.[option] as number),
      score: scores[option] as number,
      probability: probabilities[option] as number,
      exact: !open[option],
      interval: intervals?.[option],
      spread: spreadOf(alone.map((order) => order[option] as number)),
    })),
    alone,
    mass: orders.reduce((sum, order) => sum + massOf(order), 0) / orders.length,
  };
}

function spreadOf(values: readonly number[]): number {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return high - low;
}
