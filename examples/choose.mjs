// The package in a few lines: choose an answer, and print the log-probabilities of all choices.
// Run it with `node examples/choose.mjs`.

import { defaultModelPath, LLaMa } from 'autocog-lm';

const lm = await LLaMa.load(defaultModelPath);
try {
  const prompt = 'The capital of France is';
  const { text, choices, usage } = await lm.choose(prompt, [' London', ' Paris', ' Berlin']);
  console.log(`${prompt}${text}`);
  for (const choice of choices) {
    console.log(`${choice.text}: log-probability ${choice.logprob.toFixed(3)}`);
  }
  console.log(`${usage.decodedTokens} tokens decoded in ${usage.decodeCalls} calls`);
} finally {
  await lm.close();
}
