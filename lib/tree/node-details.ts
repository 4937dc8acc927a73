// What `details` adds to a tree's nodes, read from whole next-token distributions. The
// portable scorer's; native code reads the same off its logits.

/** Per node, more than its own probability. */
export interface NodeDetails {
  /** Entropy in nats of what may come after the node; NaN where that was not evaluated. */
  entropies: Float64Array;
  /** The likeliest token in the node's place, the lowest id of equals; −1 where not evaluated. */
  bestTokens: Int32Array;
  /** Its log-probability; NaN where not evaluated. */
  bestLogprobs: Float64Array;
  /** Rank of the node's own token in its place, 1 the likeliest, of equals the lower id first; 0 where not evaluated. */
  ranks: Int32Array;
}

/** Nothing evaluated yet. */
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
 * The rank of each of these tokens, 1 for the likeliest; of equals, the lower id first. One pass
 * over the vocabulary, however many tokens they are.
 */
function ranksOf(tokens: readonly number[], logprobs: Float32Array): Map<number, number> {
  const value = (token: number): number => logprobs[token] as number;
  const order = (a: number, b: number): number => value(b) - value(a) || a - b;
  const sorted = [...tokens].sort(order);
  // How many tokens come before each place in `sorted`, and not before the place above it.
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
    sorted.map((token, place) => {
      rank += counts[place] as number;
      return [token, rank];
    }),
  );
}

/** Enters what the log-probabilities after a node say of it and of its children. */
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
