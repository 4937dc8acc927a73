// Top-k selection over a vocabulary. GreedyLM uses it; LLaMa selects natively instead.

/** Above this ratio of `k` to the number of values, a full sort is faster than insertion. */
const sortThreshold = 1 / 32;

/** The indices of the `k` largest values, best first; ties in ascending index order. */
export function bestIndices(values: Float32Array, k: number): Int32Array {
  const value = (index: number): number => values[index] as number;
  if (k > values.length * sortThreshold) {
    const order = Int32Array.from(values.keys()).sort((a, b) => value(b) - value(a) || a - b);
    return order.slice(0, k);
  }
  const best: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (best.length === k && value(index) <= value(best[k - 1] as number)) continue;
    let rank = best.length;
    while (rank > 0 && value(best[rank - 1] as number) < value(index)) rank--;
    best.splice(rank, 0, index);
    if (best.length > k) best.pop();
  }
  return Int32Array.from(best);
}

/** The `k` most likely tokens, best first; ties in ascending id order. */
export function topCandidates(
  logprobs: Float32Array,
  k: number,
): { token: number; logprob: number }[] {
  return Array.from(bestIndices(logprobs, k), (token) => {
    return { token, logprob: logprobs[token] as number };
  });
}
