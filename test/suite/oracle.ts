// Reference values computed from `greedy` alone: one call per token, nothing shared, sums in
// doubles. Also small helpers for all tests.

import type { ChoiceLM } from 'autocog-lm';

/** a followed by b. */
export const join = (a: Iterable<number>, b: Iterable<number>): Int32Array =>
  Int32Array.from([...a, ...b]);

/** The log-probability of each token, given the prompt and the previous tokens. */
export async function stepsOf(
  lm: ChoiceLM,
  prompt: Int32Array,
  tokens: Int32Array,
): Promise<number[]> {
  const steps: number[] = [];
  for (const [index, token] of tokens.entries()) {
    const next = await lm.greedy(join(prompt, tokens.subarray(0, index)));
    steps.push(next[token] as number);
  }
  return steps;
}

/** The log-probability that one of the end tokens comes next. */
export async function endOf(lm: ChoiceLM, tokens: Int32Array): Promise<number> {
  const next = await lm.greedy(tokens);
  return Math.log(sum([...lm.endOfGeneration].map((token) => Math.exp(next[token] as number))));
}

/** An element that must exist. */
export function at<T>(values: ArrayLike<T>, index: number): T {
  if (index >= values.length)
    throw new Error(`Expected at least ${index + 1} elements, got ${values.length}`);
  return values[index] as T;
}

export const sum = (values: Iterable<number>): number => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};

/** Probabilities proportional to exp(scores). */
export function softmax(scores: readonly number[]): number[] {
  const max = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - max));
  return weights.map((weight) => weight / sum(weights));
}

/** The tokens of a text prompt, as every method tokenizes it. */
export const promptOf = (lm: ChoiceLM, text: string): Promise<Int32Array> =>
  lm.tokenize(text, { addSpecial: true });
