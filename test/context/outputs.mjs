// The outputs of an LM after a prompt, bit by bit, in a form that JSON preserves. state.test.ts
// compares those of several processes.

const bitsOf = (values) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

/** @param {import('autocog-lm').LLaMa} lm @param {Int32Array} prompt */
export async function outputsOf(lm, prompt) {
  const cost = await lm.ingest(prompt);
  const greedy = bitsOf(await lm.greedy(prompt)).toString('base64');
  const evaluated = await lm.eval(prompt);
  const choices = [' blue', ' green and yellow', ' a small dog', ' blue as the sea'];
  const choice = await lm.choose(prompt, choices);
  const shorter = await lm.choose(prompt.subarray(0, -2), choices);
  const logprobs = [choice, shorter].map((each) =>
    bitsOf(Float64Array.from(each.choices.flatMap(({ logprobs }) => [...logprobs]))).toString(
      'base64',
    ),
  );
  return {
    cached: [cost.usage, evaluated.usage, choice.usage].map(({ cachedTokens }) => cachedTokens),
    decoded: cost.usage.decodedTokens,
    greedy,
    eval: bitsOf(evaluated.logits).toString('base64'),
    logprobs,
  };
}
