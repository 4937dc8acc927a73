// This package, through its public names. Argument: a JSON file with `model`, `threads`,
// `prompt` and either `choices` with `options`, or `next`: tokens to put after the prompt in
// turn for `greedy`. Prompt and choices are texts or token ids.

import { readFileSync } from 'node:fs';
import { LLaMa } from 'autocog-lm';
import { serve } from '../contender.mjs';

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const read = (text) => (typeof text === 'string' ? text : Int32Array.from(text));
const prompt = read(job.prompt);
const lm = await LLaMa.load(job.model, {
  threads: job.threads,
  contextSize: 4096,
  flashAttention: false,
});

async function serveChoose() {
  const choices = job.choices.map(read);
  const choose = () => lm.choose(prompt, choices, job.options);
  await lm.ingest(prompt);
  const { choices: scored, usage } = await choose();
  const logprobs = scored.map((choice) => [...choice.logprobs]);
  await serve({ calls: 1, ...usage, logprobs }, choose);
}

async function serveGreedy() {
  await lm.ingest(prompt);
  let turn = 0;
  const greedy = () => {
    const next = job.next[turn++ % job.next.length];
    return lm.greedy(Int32Array.of(...prompt, next));
  };
  await greedy();
  await serve({ calls: 1 }, greedy);
}

await (job.next === undefined ? serveChoose() : serveGreedy());
await lm.close();
