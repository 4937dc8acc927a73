// This package running an automaton, after its cached prompt. Argument: a JSON file with `model`,
// `threads`, `contextSize`, `prompt` (a text) and `actions` (those after the prompt).

import { readFileSync } from 'node:fs';
import { Automaton, LLaMa, Model } from 'autocog-lm';
import { serve } from '../contender.mjs';

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const model = await Model.load(job.model, { gpuLayers: job.gpuLayers });
const lm = new LLaMa(model, {
  threads: job.threads,
  contextSize: job.contextSize,
  flashAttention: false,
  // The context is large to hold many branches, not long texts.
  ropeFrequencyBase: model.info.ropeFrequencyBaseTrain,
});
await lm.ready;
const prompt = { id: 'prompt', type: 'text', text: job.prompt, next: [job.actions[0].id] };
const automaton = Automaton.fromJSON({ actions: [prompt, ...job.actions] });

/** Only the prompt is cached, as for the bare engine. */
async function before() {
  await lm.clear();
  await lm.ingest(job.prompt);
}

const describe = ({ root, usage, timings }) => ({
  ...usage,
  timings,
  calls: usage.decodeCalls,
  results: root.children.map(({ tokens, logprob, text }) => ({
    tokens: [...tokens],
    logprob,
    text,
  })),
});

await before();
await serve({}, () => lm.evaluate(automaton), { before, describe });
await lm.close();
await model.close();
