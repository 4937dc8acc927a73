// This package, through its public API. Argument: a JSON file with `model`, `threads`,
// `contextSize` and one of these; prompts and choices are strings or token ids:
//   `prompt`, `choices`, `options`: choose, with the prompt cached
//   `prompt`, `next`: greedy, after the cached prompt and each of these tokens in turn
//   `states`, `questions`, `options`, `cached`: decide, about the states in turn, each with an empty
//   cache; or about the first, of which another question was asked before. With `served`, by HTTP
//   from `serve` in this process
//   `tasks`, `part`, `options`: chooseMany of `part` tasks per run, in turn, with an empty cache

import { readFileSync } from 'node:fs';
import { LLaMa, Model } from 'autocog-lm';
import { serve as listen } from 'autocog-lm/serve';
import { peakMemory, serve } from '../contender.mjs';

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const read = (text) => (typeof text === 'string' ? text : Int32Array.from(text));
const model = await Model.load(job.model, { gpuLayers: job.gpuLayers });
const lm = new LLaMa(model, {
  threads: job.threads,
  contextSize: job.contextSize,
  flashAttention: false,
  // The context is large to hold many branches, not long texts.
  ropeFrequencyBase: model.info.ropeFrequencyBaseTrain,
});
await lm.ready;

function describe({ index, usage, choices }) {
  const scored = choices.map(({ logprobs, logprob, probability, interval, rank, exact }) => {
    return { logprobs: [...logprobs], logprob, probability, interval, rank, exact };
  });
  return { calls: 1, ...usage, index, choices: scored };
}

async function serveChoose() {
  const prompt = read(job.prompt);
  const choices = job.choices.map(read);
  await lm.ingest(prompt);
  const choose = () => lm.choose(prompt, choices, job.options);
  await serve({ loadedBytes: peakMemory() }, choose, { describe });
}

async function serveGreedy() {
  const prompt = read(job.prompt);
  await lm.ingest(prompt);
  let turn = 0;
  const greedy = () => {
    const next = job.next[turn++ % job.next.length];
    return lm.greedy(Int32Array.of(...prompt, next));
  };
  await serve({ calls: 1 }, greedy);
}

async function chooseAll(tasks) {
  const results = [];
  for await (const choice of lm.chooseMany(tasks, job.options)) results.push(choice);
  return results;
}

async function serveMany() {
  // A short warm-up: a full run would take too long for that.
  await chooseAll(job.tasks.slice(0, 2));
  const before = () => lm.clear();
  let turn = 0;
  const chooseNext = () => {
    const start = (turn++ * job.part) % job.tasks.length;
    return chooseAll(job.tasks.slice(start, start + job.part));
  };
  const describeAll = (results) => ({
    decodedTokens: results.reduce((sum, { usage }) => sum + usage.decodedTokens, 0),
    tasks: results.map(({ index, margin }) => ({ index, margin })),
  });
  const watched = () => chooseAll(job.tasks.slice(0, job.part));
  await serve({}, chooseNext, { before, describe: describeAll, watch: 'once', watched });
}

/** As a client of `/v1/systemone` asks. */
async function post(url, state, questions) {
  const body = JSON.stringify({ state, questions });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/v1/systemone`, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(await response.text());
  const { answers, x_usage: usage } = await response.json();
  return { answers, usage };
}

async function serveDecide() {
  const { states, questions, options, cached, served } = job;
  const server = served ? await listen(lm, { port: 0, alias: 'served' }) : undefined;
  const mapped = Object.entries(questions).map(([name, question]) => {
    const criteria = Object.fromEntries(question.criteria.map((option) => [option, null]));
    return [name, { ...question, criteria }];
  });
  let turn = 0;
  const decide = () => {
    const state = states[cached ? 0 : turn++ % states.length];
    if (server !== undefined) return post(server.url, state, Object.fromEntries(mapped));
    return lm.decide(state, questions, options);
  };
  const other = { other: { type: 'boolean', instructions: 'Is this a letter?' } };
  const before = async () => {
    await lm.clear();
    if (cached) await lm.decide(states[0], other, options);
  };
  const describe = ({ answers, usage }) => ({
    calls: usage.decodeCalls,
    ...usage,
    ...(served
      ? {}
      : { logprobs: Object.values(answers).map(({ options }) => options.map((o) => o.logprob)) }),
  });
  await serve({}, decide, { before, describe, watch: served ? 'never' : 'once' });
  await server?.close();
}

if (job.questions !== undefined) await serveDecide();
else if (job.tasks !== undefined) await serveMany();
else await (job.next === undefined ? serveChoose() : serveGreedy());
await lm.close();
await model.close();
