// This package generating text. Argument: a JSON file with `model`, `threads`, `contextSize`,
// `prompts` (strings or token ids), `options` of the call, `context` (further options of the LM),
// `method` ('complete', one prompt after another, or 'completeMany'), `isCached` (whether the
// prompts are cached before a run; otherwise the cache is empty) and `reportsAlternatives` (whether
// the facts have the top tokens at each position).

import { readFileSync } from 'node:fs';
import { LLaMa, Model } from 'autocog-lm';
import { serve } from '../contender.mjs';

/** Number of top tokens to report per generated token. */
const alternativeCount = 5;

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const prompts = job.prompts.map((prompt) => {
  return typeof prompt === 'string' ? prompt : Int32Array.from(prompt);
});
const model = await Model.load(job.model, { gpuLayers: job.gpuLayers });
const lm = new LLaMa(model, {
  threads: job.threads,
  contextSize: job.contextSize,
  flashAttention: false,
  // The context is large to hold many branches, not long texts.
  ropeFrequencyBase: model.info.ropeFrequencyBaseTrain,
  ...job.context,
});
await lm.ready;

async function generate(options) {
  if (job.method === 'completeMany') return lm.completeMany(prompts, options);
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

/** The top tokens at each generated position, to compare with contenders that picked others. */
async function topAlternatives() {
  await before();
  const completions = await generate({ ...job.options, topLogprobs: alternativeCount });
  return completions.map((completion) => {
    return completion.alternatives.map((row) => row.map(({ token, logprob }) => [token, logprob]));
  });
}

const facts = { alternatives: job.reportsAlternatives ? await topAlternatives() : [] };
await serve(facts, () => generate(job.options), { before, describe });
await lm.close();
await model.close();
