// Log-softmax and log-sum-exp in double precision, for LMs whose engine returns raw logits and for
// callers of `eval`. LLaMa computes its own natively by the same formula.

import { wrongType } from './arguments.js';

const checkList = (value: unknown, name: string): void => {
  const { length } = (value ?? {}) as Partial<ArrayLike<number>>;
  if (typeof value !== 'object' || !Number.isInteger(length)) {
    throw wrongType('an array of numbers', name, value);
  }
  if (!ArrayBuffer.isView(value)) return;
  try {
    new Uint8Array(value.buffer);
  } catch {
    throw wrongType('an array whose buffer is attached', name, value);
  }
};

/**
 * log Σ exp(values), numerically stable; −Infinity for no values.
 *
 * @throws TypeError unless `values` is an array or an attached typed array
 */
export function logSumExp(values: ArrayLike<number>): number {
  checkList(values, 'values');
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
 * Natural log-probabilities of the distribution that logits define.
 *
 * @param logits one row of vocabulary size
 * @returns a new array of the same length; its exponentials sum to 1
 * @throws TypeError unless `logits` is an array or an attached typed array
 * @example
 * logSoftmax(Float32Array.of(0, 0)) // Float32Array [ -0.693…, -0.693… ]
 */
export function logSoftmax(logits: ArrayLike<number>): Float32Array {
  checkList(logits, 'logits');
  const total = logSumExp(logits);
  return Float32Array.from(logits, (logit) => logit - total);
}
