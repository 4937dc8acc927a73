// The best few of a vocabulary. GreedyLM uses it; LLaMa picks them natively instead.

/** One possible next token. */
export interface Candidate {
  token: number;
  /** Its text, U+FFFD for bytes that are no whole character. */
  text: string;
  /** Natural log-probability. */
  logprob: number;
  probability: number;
}

/** The `k` largest values with their indices, best first, the lower index first of equals. */
export function topCandidates(
  logprobs: Float32Array,
  k: number,
): { token: number; logprob: number }[] {
  const value = (token: number): number => logprobs[token] as number;
  const order = Int32Array.from(logprobs.keys()).sort((a, b) => value(b) - value(a) || a - b);
  return Array.from(order.subarray(0, k), (token) => ({ token, logprob: value(token) }));
}
