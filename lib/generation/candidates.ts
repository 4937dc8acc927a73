// The best few of a vocabulary. GreedyLM uses it; LLaMa picks them natively instead.

/** Of a larger share of all values than this, sorting all is quicker than picking the best. */
const sortedShare = 1 / 32;

/** The indices of the `k` largest values, best first, the lower first of equals. */
export function bestIndices(values: Float32Array, k: number): Int32Array {
  const value = (index: number): number => values[index] as number;
  if (k > values.length * sortedShare) {
    const order = Int32Array.from(values.keys()).sort((a, b) => value(b) - value(a) || a - b);
    return order.slice(0, k);
  }
  const best: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (best.length === k && value(index) <= value(best[k - 1] as number)) continue;
    let place = best.length;
    while (place > 0 && value(best[place - 1] as number) < value(index)) place--;
    best.splice(place, 0, index);
    if (best.length > k) best.pop();
  }
  return Int32Array.from(best);
}

/** The `k` largest values with their indices, best first, the lower index first of equals. */
export function topCandidates(
  logprobs: Float32Array,
  k: number,
): { token: number; logprob: number }[] {
  return Array.from(bestIndices(logprobs, k), (token) => {
    return { token, logprob: logprobs[token] as number };
  });
}
