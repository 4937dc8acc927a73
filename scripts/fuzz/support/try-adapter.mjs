// Uses adapters in every way that computes: a child of the fuzzer of adapters. Each message is a path.
import { basename } from 'node:path';
import { defaultModelPath, LLaMa, Model } from 'autocog-lm';
import { isSame, outcomeOf } from './outcome.mjs';

const model = await Model.load(defaultModelPath);
const lm = new LLaMa(model, { contextSize: 64, threads: 1, maxSequences: 8 });
const prompt = 'The sky is';
const truth = await lm.greedy(prompt);

async function useAll() {
  await lm.greedy(prompt);
  await lm.choose(prompt, [' blue', ' black', ' the']);
  await lm.complete(prompt, { maxTokens: 3 });
}

const uses = {
  adapter: async (path, note) => {
    let adapter;
    await note('load', async () => {
      adapter = await model.loadAdapter(path);
    });
    for (const scale of adapter === undefined ? [] : [1, -0.5, 1e30]) {
      await note(`scale ${scale}`, async () => {
        await lm.setAdapters([{ adapter, scale }]);
        await useAll();
      });
    }
    await lm.setAdapters([]);
    await adapter?.close();
  },
  vector: async (path, note) => {
    for (const scale of [1, -1e30]) {
      await note(`vector, scale ${scale}`, async () => {
        await lm.setControlVector({ path, scale });
        await useAll();
      });
    }
    await lm.setControlVector([]);
  },
};

async function tryFile(path) {
  const results = [];
  const note = async (name, work) => {
    const outcome = await outcomeOf(work);
    if (outcome?.startsWith('FAILED')) results.push(outcome);
    else if (outcome) results.push(`${name}: ${outcome}`);
  };
  await uses[basename(path).startsWith('vector') ? 'vector' : 'adapter'](path, note);
  await note('afterwards', async () => {
    if (!isSame(await lm.greedy(prompt), truth)) results.push('FAILED: the LM has changed');
  });
  return { results };
}

process.on('message', async (path) => process.send(await tryFile(path)));
