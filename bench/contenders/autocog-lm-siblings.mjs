// Compares this package's classes. Argument: a JSON file with `prompt`, `lists` of choices (one list
// per run, in turn), `options`, `threads` and one of these:
//   `kind` 'LLaMa' or 'OpenAI', `model`, `contextSize`: in process, or over HTTP with `serve` in the
//   same process
//   `kind` 'TfLM', `folder`: on an ONNX folder
// The prompt and the first list are scored before measuring.

import { readFileSync } from 'node:fs';
import { LLaMa, Model } from 'autocog-lm';
import { OpenAI } from 'autocog-lm/openai';
import { serve as listen } from 'autocog-lm/serve';
import { TfLM } from 'autocog-lm/transformers';
import { serve } from '../contender.mjs';

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { prompt, lists, options, threads } = job;

let runs = 0;
const next = (lm) => lm.choose(prompt, lists[runs++ % lists.length], options);

const describe = ({ index, usage, choices }) => ({
  ...usage,
  index,
  choices: choices.map(({ logprobs }) => ({ logprobs: [...logprobs] })),
});

async function loadLLaMa() {
  const { contextSize } = job;
  const model = await Model.load(job.model, { gpuLayers: job.gpuLayers });
  const ropeFrequencyBase = model.info.ropeFrequencyBaseTrain;
  const context = { threads, contextSize, ropeFrequencyBase, flashAttention: false };
  const lm = new LLaMa(model, context);
  const close = async () => {
    await lm.close();
    await model.close();
  };
  return { lm, close };
}

async function loadOpenAI() {
  const served = await loadLLaMa();
  const server = await listen(served.lm, { port: 0, alias: 'served' });
  const lm = new OpenAI({ model: 'served', baseURL: `${server.url}/v1`, tokenizer: 'server' });
  const close = async () => {
    await lm.close();
    await server.close();
    await served.close();
  };
  return { lm, close };
}

async function loadTfLM() {
  const lm = await TfLM.load(job.folder, { threads });
  return { lm, close: () => lm.close() };
}

const { lm, close } = await { LLaMa: loadLLaMa, OpenAI: loadOpenAI, TfLM: loadTfLM }[job.kind]();
// Excludes the prompt and the probing of the server from the measurement.
await next(lm);
await serve({}, () => next(lm), { describe, watch: 'never' });
await close();
