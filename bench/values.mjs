// Log-probabilities of two contenders, held against each other.

/**
 * Natural log units by which a token's log-probability may differ. node-llama-cpp decodes single
 * tokens and short batches, which the engine computes by other kernels.
 */
export const tolerance = 0.25;

/** A contender's log-probabilities, per choice and token. */
export function logprobsOf({ facts }) {
  return facts.logprobs ?? facts.choices.map(({ logprobs }) => logprobs);
}

/** The largest difference between log-probabilities of a token. */
export function difference(a, b) {
  return Math.max(
    ...a.map((logprobs, choice) => {
      return Math.max(...logprobs.map((value, token) => Math.abs(value - b[choice][token])));
    }),
  );
}
