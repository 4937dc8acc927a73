// Log-probabilities and texts of two contenders, held against each other.

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

/**
 * How much likelier than what `tokens` has instead the model thought a text's token to be, where
 * the two part: 0 where they do not. `rivals` are the likeliest of each place of the text.
 */
export function parting(text, rivals, tokens) {
  const place = text.findIndex((token, index) => token !== tokens[index]);
  if (place < 0) return text.length === tokens.length ? 0 : Infinity;
  const logprobOf = (wanted) => rivals[place].find(([token]) => token === wanted)?.[1];
  return logprobOf(text[place]) - (logprobOf(tokens[place]) ?? -Infinity);
}

/** The greatest parting of all texts, and how many are the same. */
export function partings(reference, rivals, others) {
  const gaps = others.map(({ tokens }, index) =>
    parting(reference[index].tokens, rivals[index], tokens),
  );
  return { same: gaps.filter((gap) => gap === 0).length, most: Math.max(...gaps) };
}
