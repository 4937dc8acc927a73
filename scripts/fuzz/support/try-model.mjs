// Uses model files in every way that computes: a child of the fuzzer of models. Each message is a path;
// the answer is what became of the file.
import { rmSync, statSync } from 'node:fs';
import { Embedder, LLaMa, Model, quantize } from 'autocog-lm';
import { outcomeOf } from './outcome.mjs';

const contextSize = 128;
async function useScores(model) {
  const lm = new LLaMa(model, { contextSize, threads: 1, maxSequences: 8 });
  try {
    await lm.ready;
    const { size } = model.vocab;
    const token = (i) => (i * 7 + 1) % size;
    const prompt = Int32Array.from({ length: 9 }, (_, i) => token(i));
    const results = [
      await outcomeOf(() => lm.greedy(prompt)),
      await outcomeOf(() => lm.eval(prompt.subarray(0, 1), { logits: 'all' })),
      await outcomeOf(() =>
        lm.choose(
          prompt,
          [
            [token(3), token(4)],
            [token(3), token(5), token(6)],
          ].map((path) => Int32Array.from(path)),
        ),
      ),
      await outcomeOf(() => lm.complete(prompt, { maxTokens: 4, sampler: { seed: 1 } })),
      await outcomeOf(() => lm.complete('Once upon a time', { maxTokens: 2 })),
    ];
    return results.filter(Boolean);
  } finally {
    await lm.close();
  }
}

async function useEmbeddings(model, pooling) {
  const embedder = new Embedder(model, {
    contextSize,
    threads: 1,
    ...(pooling ? { pooling } : {}),
  });
  try {
    await embedder.ready;
    await embedder.embed(Int32Array.of(1 % model.vocab.size, 0, 2 % model.vocab.size));
  } finally {
    await embedder.close();
  }
}

/** Quantizes a fifth of the files, which takes long, to a type by the file's size, and loads the result. */
async function useQuantized(path) {
  const types = ['Q8_0', 'Q4_K_M', 'IQ4_NL', 'F16', 'Q2_K'];
  if (statSync(path).size % 25 >= types.length) return;
  const target = `${path}.quantized`;
  try {
    await quantize(path, target, types[statSync(path).size % types.length]);
    await (await Model.load(target)).close();
  } finally {
    rmSync(target, { force: true });
  }
}

async function tryFile(path) {
  const results = [];
  const note = async (name, work) => {
    let more;
    const failure = await outcomeOf(async () => {
      more = await work();
    });
    for (const each of [failure, ...(more ?? [])].flat())
      if (each) results.push(/^FAILED/.test(each) ? each : `${name}: ${each}`);
  };
  await note('vocabulary', async () => {
    const model = await Model.load(path, { vocabOnly: true });
    const failures = await Promise.all([
      outcomeOf(() =>
        model.tokenizeSync('Hello, wörld! 123 <s>', { addSpecial: true, parseSpecial: true }),
      ),
      outcomeOf(() => model.detokenizeSync(Int32Array.of(0, 1, 2))),
    ]);
    await model.close();
    return failures.filter(Boolean);
  });
  await note('load', async () => {
    const model = await Model.load(path);
    try {
      await note('scores', () => useScores(model));
      await note('embeddings', () => useEmbeddings(model));
      await note('ranks', () => useEmbeddings(model, 'rank'));
    } finally {
      await model.close();
    }
  });
  await note('quantize', () => useQuantized(path));
  return { results };
}

process.on('message', async (path) => process.send(await tryFile(path)));
