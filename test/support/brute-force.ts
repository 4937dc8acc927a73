// Reference scores without trees, caches or shared batches: one context per choice, one sequence,
// all logits, and log-sum-exp in double precision.

import { LLaMa, type LLaMaOptions, type Model } from 'autocog-lm';
import { at } from '../suite/oracle.js';

function logProbability(row: Float32Array, token: number): number {
  const top = row.reduce((max, logit) => Math.max(max, logit), -Infinity);
  let total = 0;
  for (const logit of row) total += Math.exp(logit - top);
  return at(row, token) - top - Math.log(total);
}

/** The log-probability of each token of the path, given the prompt and the tokens before it. */
export async function bruteForce(
  model: Model,
  options: LLaMaOptions,
  prompt: Int32Array,
  path: Int32Array,
): Promise<number[]> {
  await using lm = new LLaMa(model, options);
  const { logits, rows } = await lm.eval(prompt, { continuation: path, logits: 'all' });
  const size = logits.length / rows;
  // An encoder-decoder has no rows of the prompt, but one of the decoder's start token.
  const first = lm.encoderDecoder ? 0 : prompt.length - 1;
  return Array.from(path, (token, index) => {
    const row = first + index;
    return logProbability(logits.subarray(row * size, (row + 1) * size), token);
  });
}
