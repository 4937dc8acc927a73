// Cold start in a fresh process: imports this package, loads a model, generates a token.
// Argument: a JSON file with `model`, `threads`, `contextSize` and `prompt` (token ids).

import { readFileSync } from 'node:fs';
import { respond, timed } from '../contender.mjs';

const { model, prompt, ...options } = JSON.parse(readFileSync(process.argv[2], 'utf8'));

await respond({}, async () => {
  const start = await timed(async () => {
    const exports = await import('autocog-lm');
    // Calls the engine, so that no initialization is deferred.
    exports.getBackends();
    return exports;
  });
  const { LLaMa } = start.value;
  const load = await timed(() => LLaMa.load(model, { ...options, flashAttention: false }));
  const lm = load.value;
  const complete = (more) => lm.complete(Int32Array.from(prompt), { maxTokens: 1, ...more });
  const first = await timed(() => complete());
  const { alternatives } = await complete({ topLogprobs: 5 });
  await lm.close();
  return {
    startMs: start.ms,
    loadMs: load.ms,
    firstMs: first.ms,
    tokens: [...first.value.tokens],
    alternatives: alternatives.map((row) => row.map(({ token, logprob }) => [token, logprob])),
  };
});
