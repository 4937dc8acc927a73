// What option `details` adds to the nodes of a tree, computed from full next-token distributions.
// The portable scorer and `lib/transformers/levels.ts` call it; native code computes the same from
// its logits.

/** Per node: details beyond its own log-probability. */
export interface NodeDetails {
  /** Entropy in nats of the next-token distribution after the node; NaN if not evaluated. */
  entropies: Float64Array;
  /** The most likely token at the node's position, ties by lowest id; −1 if not evaluated. */
  bestTokens: Int32Array;
  /** The log-probability of that token; NaN if not evaluated. */
  bestLogprobs: Float64Array;
  /**
   * Rank of the node's own token at its position, 1 for the most likely, ties by lowest id; 0 if
   * not evaluated.
   */
  ranks: Int32Array;
}

/** Details of a tree of which nothing is evaluated yet. */
export function noDetails(size: number): NodeDetails {
  return {
    entropies: new Float64Array(size).fill(Number.NaN),
    bestTokens: new Int32Array(size).fill(-1),
    bestLogprobs: new Float64Array(size).fill(Number.NaN),
    ranks: new Int32Array(size),
  };
}

/** −Σ p log p, in nats. */
function entropyOf(logprobs: Float32Array): number {
  let sum = 0;
  for (const logprob of logprobs) if (logprob > -Infinity) sum -= Math.exp(logprob) * logprob;
  return Math.max(0, sum);
}

function bestOf(logprobs: Float32Array): number {
  let best = 0;
  for (let token = 1; token < logprobs.length; token++) {
    if ((logprobs[token] as number) > (logprobs[best] as number)) best = token;
  }
  return best;
}

/**
 * The rank of each of these tokens, 1 for the most likely, ties by lowest id. One pass over the
 * vocabulary, whatever the number of tokens.
 */
function ranksOf(tokens: readonly number[], logprobs: Float32Array): Map<number, number> {
  const value = (token: number): number => logprobs[token] as number;
  const order = (a: number, b: number): number => value(b) - value(a) || a - b;
  const sorted = [...tokens].sort(order);
  // Per position in `sorted`: how many tokens of the vocabulary fall between it and the previous.
  const counts = new Int32Array(sorted.length + 1);
  for (let token = 0; token < logprobs.length; token++) {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order(token, sorted[middle] as number) < 0) high = middle;
      else low = middle + 1;
    }
    counts[low] = (counts[low] as number) + 1;
  }
  let rank = 1;
  return new Map(
    sorted.map((token, position) => {
      rank += counts[position] as number;
      return [token, rank];
    }),
  );
}

/**
 * Fills in the details of a node and its children.
 *
 * @param logprobs next-token log-probabilities after the node
 */
export function readDetails(
  details: NodeDetails,
  node: number,
  children: readonly number[],
  tokens: Int32Array,
  logprobs: Float32Array,
): void {
  details.entropies[node] = entropyOf(logprobs);
  const best = bestOf(logprobs);
  const token = (child: number): number => tokens[child] as number;
  const ranks = ranksOf(children.map(token), logprobs);
  for (const child of children) {
    details.bestTokens[child] = best;
    details.bestLogprobs[child] = Math.min(0, logprobs[best] as number);
    details.ranks[child] = ranks.get(token(child)) as number;
  }
}
