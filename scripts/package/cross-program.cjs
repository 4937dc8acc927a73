// What check-cross.mjs runs with the addon of this machine and with that of another platform: scores, a completion and
// what fails, of each model, as one line of JSON. Arguments: the package's folder, and the models.
'use strict';

const { writeFileSync } = require('node:fs');
const { resolve } = require('node:path');
const [home, ...models] = process.argv.slice(2);
const { defaultModelPath, getBackends, LLaMa, Model } = require(resolve(home));

const questions = [
  ['The capital of France is', [' Paris', ' Rome', ' Berlin', ' London']],
  ['The sky is', [' blue', ' green', ' a dog']],
  ['Two and two are', [' four', ' five', ' six']],
];

async function score(path) {
  // A cache in F16 would round what the kernels compute.
  const options = { threads: 2, kvCacheTypeK: 'f32', kvCacheTypeV: 'f32', flashAttention: false };
  const lm = await LLaMa.load(path, options);
  const scores = [];
  const ranks = [];
  for (const [prompt, choices] of questions) {
    const { choices: scored } = await lm.choose(prompt, choices, { details: true });
    for (const { index, logprob, logprobs, ranks: own } of scored) {
      scores.push([index, logprob, ...logprobs]);
      ranks.push([...own]);
    }
  }
  const { text, alternatives } = await lm.complete('The sky is', { maxTokens: 12, topLogprobs: 3 });
  scores.push(...alternatives.map((each) => each.map(({ logprob }) => logprob)));
  await lm.close();
  return { scores: scores.flat(), ranks, text };
}

/** The codes of errors: files that are no models, and a failed assertion of llama.cpp. */
async function fail() {
  writeFileSync('text é 模型.gguf', 'no model');
  const attempts = [
    ['missing 模型.gguf'],
    ['text é 模型.gguf'],
    [defaultModelPath, { metadataOverrides: { 'llama.block_count': 600n } }],
    [defaultModelPath, { metadataOverrides: { 'llama.rope.scaling.type': 'x' } }],
  ];
  const codes = [];
  for (const [path, options] of attempts) {
    codes.push(
      await Model.load(path, options).then(
        () => 'loads',
        (error) =>
          `${error.name} ${error.code}${/GGML_ASSERT/.test(error.cause?.message) ? ' assertion' : ''}`,
      ),
    );
  }
  return codes;
}

async function run() {
  const results = [];
  for (const path of models) results.push(await score(path));
  const codes = await fail();
  const { addon, cpuVariants } = getBackends();
  const variant = cpuVariants.find(({ chosen }) => chosen)?.name;
  const platform = `${process.platform}-${process.arch}`;
  const { source } = addon;
  const { versions } = process;
  const runnable = cpuVariants.filter(({ score }) => score > 0).map(({ name }) => name);
  console.log(
    JSON.stringify({
      platform,
      runtime: versions.bun ? `Bun ${versions.bun}` : `Node ${versions.node}`,
      source,
      variant,
      runnable,
      codes,
      results,
    }),
  );
}

run();
