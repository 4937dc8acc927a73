// Log-softmax and log-sum-exp in doubles, for LMs whose engine gives raw logits and for
// readers of `eval`. LLaMa's own numbers are made natively by the same formula.

/** log Σ exp(values), stable: −Infinity for no values. */
export function logSumExp(values: ArrayLike<number>): number {
  let max = -Infinity;
  for (let index = 0; index < values.length; index++) {
    max = Math.max(max, values[index] as number);
  }
  if (!Number.isFinite(max)) return max;
  let sum = 0;
  for (let index = 0; index < values.length; index++) {
    sum += Math.exp((values[index] as number) - max);
  }
  return max + Math.log(sum);
}

/**
 * Natural log-probabilities of a distribution given by its logits.
 *
 * @param logits one row, of the vocabulary's size
 * @returns a new array of the same length; its exponentials sum to 1
 * @example
 * logSoftmax(Float32Array.of(0, 0)) // Float32Array [ -0.693…, -0.693… ]
 */
export function logSoftmax(logits: ArrayLike<number>): Float32Array {
  const total = logSumExp(logits);
  return Float32Array.from(logits, (logit) => logit - total);
}
