// The truth without trees, caches or shared batches: one context per choice, one sequence,
// all logits, and log-sum-exp in doubles.

import { LLaMa, type LLaMaOptions, type Model } from 'autocog-lm';
import { at, join } from '../suite/oracle.js';

function logProbability(row: Float32Array, token: number): number {
  const top = row.reduce((most, logit) => Math.max(most, logit), -Infinity);
  let total = 0;
  for (const logit of row) total += Math.exp(logit - top);
  return at(row, token) - top - Math.log(total);
}

/** log P of each of the path's tokens, given the prompt and those before it. */
export async function bruteForce(
  model: Model,
  options: LLaMaOptions,
  prompt: Int32Array,
  path: Int32Array,
): Promise<number[]> {
  await using lm = new LLaMa(model, options);
  const { logits, rows } = await lm.eval(join(prompt, path), { logits: 'all' });
  const size = logits.length / rows;
  return Array.from(path, (token, index) => {
    const row = prompt.length + index - 1;
    return logProbability(logits.subarray(row * size, (row + 1) * size), token);
  });
}
