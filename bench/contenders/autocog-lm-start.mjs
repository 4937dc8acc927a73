// A process that has done nothing yet: imports this package, loads a model, writes a token.
// Argument: a JSON file with `model`, `threads`, `contextSize` and `prompt` (token ids).

import { readFileSync } from 'node:fs';
import { answer, timed } from '../contender.mjs';

const { model, prompt, ...options } = JSON.parse(readFileSync(process.argv[2], 'utf8'));

await answer({}, async () => {
  const start = await timed(async () => {
    const names = await import('autocog-lm');
    // The engine answers: nothing has been put off.
    names.getBackends();
    return names;
  });
  const { LLaMa } = start.value;
  const load = await timed(() => LLaMa.load(model, { ...options, flashAttention: false }));
  const lm = load.value;
  const write = (more) => lm.complete(Int32Array.from(prompt), { maxTokens: 1, ...more });
  const first = await timed(() => write());
  const { alternatives } = await write({ topLogprobs: 5 });
  await lm.close();
  return {
    startMs: start.ms,
    loadMs: load.ms,
    firstMs: first.ms,
    tokens: [...first.value.tokens],
    rivals: alternatives.map((row) => row.map(({ token, logprob }) => [token, logprob])),
  };
});
