// Sums of exp(score) in log-sum-exp form, with the maximum factored out so that nothing under-
// or overflows. `lib/choose/bounds.ts` and `lib/choose/ranking.ts` compute probabilities from them.

/** scale · exp(max), where `max` is the largest score; −Infinity and 0 for an empty sum. */
export interface ScaledSum {
  readonly max: number;
  readonly scale: number;
}

/** exp(score − max), without the NaN of equal infinities. */
const relative = (score: number, max: number): number =>
  score === -Infinity ? 0 : score === max ? 1 : Math.exp(score - max);

/** Σ weights[i] · exp(scores[i]); weights default to 1. */
export function sumOf(scores: readonly number[], weights?: readonly number[]): ScaledSum {
  const max = scores.reduce((max, score) => Math.max(max, score), -Infinity);
  let scale = 0;
  for (const [index, score] of scores.entries()) {
    scale += relative(score, max) * (weights?.[index] ?? 1);
  }
  return { max, scale };
}

/** a + b. */
export function plus(a: ScaledSum, b: ScaledSum): ScaledSum {
  const max = Math.max(a.max, b.max);
  return { max, scale: a.scale * relative(a.max, max) + b.scale * relative(b.max, max) };
}

/** exp(score) / sum, for a score that is one of the terms; 0 for −Infinity. */
export const share = (score: number, sum: ScaledSum): number =>
  score === -Infinity ? 0 : relative(score, sum.max) / sum.scale;

/** Whether a < b. */
export const isLess = (a: ScaledSum, b: ScaledSum): boolean =>
  Math.log(a.scale) + a.max < Math.log(b.scale) + b.max;
