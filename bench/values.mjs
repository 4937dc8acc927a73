// Compares the log-probabilities and generated tokens of two contenders.

/**
 * Maximum difference of a token's log-probability, in nats. node-llama-cpp decodes single tokens and
 * short batches, which the engine computes with other kernels.
 */
export const tolerance = 0.25;

/** A contender's log-probabilities, per choice and token. */
export function logprobsOf({ facts }) {
  return facts.logprobs ?? facts.choices.map(({ logprobs }) => logprobs);
}

/** The largest difference between two log-probabilities of a token. */
export function difference(a, b) {
  return Math.max(
    ...a.map((logprobs, choice) => {
      return Math.max(...logprobs.map((value, token) => Math.abs(value - b[choice][token])));
    }),
  );
}

/**
 * At the first position where `tokens` differs from the reference `text`: by how much the model
 * prefers the reference's token, in nats. 0 without a difference. `alternatives` are the top tokens
 * at each position of the reference.
 */
export function divergence(text, alternatives, tokens) {
  const position = text.findIndex((token, index) => token !== tokens[index]);
  if (position < 0) return text.length === tokens.length ? 0 : Infinity;
  const logprobOf = (id) => alternatives[position].find(([token]) => token === id)?.[1];
  return logprobOf(text[position]) - (logprobOf(tokens[position]) ?? -Infinity);
}

/** The largest divergence of all texts, and the number of identical texts. */
export function divergences(reference, alternatives, others) {
  const gaps = others.map(({ tokens }, index) =>
    divergence(reference[index].tokens, alternatives[index], tokens),
  );
  return { same: gaps.filter((gap) => gap === 0).length, max: Math.max(...gaps) };
}
