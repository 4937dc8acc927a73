// This package writing texts. Argument: a JSON file with `model`, `threads`, `contextSize`,
// `prompts` (texts or token ids), `options` of the call, `context` (options of the LM besides), `way` ('complete', one after another, or
// 'completeMany'), `isCached` (whether the prompts are in the cache before a run; else nothing
// is) and `tellsRivals` (of each token, in the facts).

import { readFileSync } from 'node:fs';
import { LLaMa, Model } from 'autocog-lm';
import { serve } from '../contender.mjs';

/** Likeliest tokens that are told, once, of each token of the texts. */
const alternatives = 5;

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const prompts = job.prompts.map((prompt) => {
  return typeof prompt === 'string' ? prompt : Int32Array.from(prompt);
});
const model = await Model.load(job.model);
const lm = new LLaMa(model, {
  threads: job.threads,
  contextSize: job.contextSize,
  flashAttention: false,
  // The context is that large for many branches, not for long texts.
  ropeFrequencyBase: model.info.ropeFrequencyBaseTrain,
  ...job.context,
});
await lm.ready;

async function write(options) {
  if (job.way === 'completeMany') return lm.completeMany(prompts, options);
  const completions = [];
  for (const prompt of prompts) completions.push(await lm.complete(prompt, options));
  return completions;
}

async function before() {
  if (!job.isCached) await lm.clear();
  else for (const prompt of prompts) await lm.complete(prompt, { maxTokens: 1 });
}

const describe = (completions) => ({
  texts: completions.map(({ text, tokens, stopReason, usage, timings, performance }) => {
    return { text, tokens: [...tokens], stopReason, usage, timings, performance };
  }),
});

/** What the model thought of each token's rivals, for whoever picked another one. */
async function rivals() {
  await before();
  const completions = await write({ ...job.options, topLogprobs: alternatives });
  return completions.map((completion) => {
    return completion.alternatives.map((row) => row.map(({ token, logprob }) => [token, logprob]));
  });
}

const facts = { rivals: job.tellsRivals ? await rivals() : [] };
await serve(facts, () => write(job.options), { before, describe });
await lm.close();
await model.close();
