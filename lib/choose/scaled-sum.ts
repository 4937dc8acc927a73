// Sums of exp(score) for scores of any size: kept apart from their scale, so that nothing
// under- or overflows. `lib/choose/bounds.ts` and `lib/choose/ranking.ts` make probabilities of them.

/** scale · exp(top): `top` is the largest score; −Infinity and 0 for nothing possible. */
export interface ScaledSum {
  readonly top: number;
  readonly scale: number;
}

/** exp(score − top), where equal infinities are as equal as other numbers. */
const relative = (score: number, top: number): number =>
  score === -Infinity ? 0 : score === top ? 1 : Math.exp(score - top);

/** Σ weights[i] · exp(scores[i]), each weight 1 unless given. */
export function sumOf(scores: readonly number[], weights?: readonly number[]): ScaledSum {
  const top = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  let scale = 0;
  for (const [index, score] of scores.entries()) {
    scale += relative(score, top) * (weights?.[index] ?? 1);
  }
  return { top, scale };
}

/** a + b. */
export function plus(a: ScaledSum, b: ScaledSum): ScaledSum {
  const top = Math.max(a.top, b.top);
  return { top, scale: a.scale * relative(a.top, top) + b.scale * relative(b.top, top) };
}

/** exp(score) as a share of a sum that has it among its terms: 0 for the impossible. */
export const share = (score: number, sum: ScaledSum): number =>
  score === -Infinity ? 0 : relative(score, sum.top) / sum.scale;

/** Whether a < b. */
export const isLess = (a: ScaledSum, b: ScaledSum): boolean =>
  Math.log(a.scale) + a.top < Math.log(b.scale) + b.top;
