// Prompts whose keys and values are not finite: they fail, and no other prompt notices.

import { join } from 'node:path';
import { AutomatonBuilder, defaultModelPath, LLaMa, Model, quantize } from 'autocog-lm';
import t, { type Test } from 'tap';
import { failure } from '../support/failures.js';
import { exact } from '../support/forms.js';
import { floatsOf, readGguf, type Tensor, tensorOf, writeGguf } from '../support/gguf.js';

/** A token whose embedding is not a number: the letter M. */
const poison = 77;

/** The default model with that token, in a weight type. */
async function poisoned(t: Test, type: string): Promise<Model> {
  const folder = t.testdir();
  const [plain, broken] = [join(folder, 'plain.gguf'), join(folder, 'broken.gguf')];
  await quantize(defaultModelPath, plain, type);
  await quantize(plain, join(folder, 'F32.gguf'), 'F32');
  const { keyValues, tensors } = readGguf(join(folder, 'F32.gguf'));
  const changed = tensors.map((tensor) => {
    if (tensor.name !== 'token_embd.weight') return tensor;
    const values = floatsOf(tensor);
    const width = tensor.shape[0] as number;
    values.fill(Number.NaN, poison * width, (poison + 1) * width);
    return tensorOf(tensor.name, tensor.shape, values);
  });
  // Otherwise the embeddings are the weights of the output as well.
  const embedding = tensors.find(({ name }) => name === 'token_embd.weight') as Tensor;
  const tied = !tensors.some(({ name }) => name === 'output.weight');
  const output = tied ? [{ ...embedding, name: 'output.weight' }] : [];
  writeGguf(broken, keyValues.values(), [...changed, ...output]);
  const model = await Model.load(broken);
  t.teardown(() => model.close());
  return model;
}

const prompts = [3, 40, 70].map((length) =>
  Int32Array.from({ length }, (_, index) => 300 + ((index * 7) % 50)),
);
const bad = Int32Array.of(300, 301, poison, 302, 303);

const colours = (text: string, other = ' green') =>
  new AutomatonBuilder()
    .text('start', text, { next: 'colour' })
    .choose('colour', [' blue', other], { next: 'end' })
    .text('end', ' today')
    .build();

const uses: [string, (lm: LLaMa) => Promise<unknown>][] = [
  ['ingest', (lm) => lm.ingest(bad)],
  ['greedy', (lm) => lm.greedy(bad)],
  ['eval', (lm) => lm.eval(bad, { logits: 'all' })],
  ['complete', (lm) => lm.complete(bad, { maxTokens: 3 })],
  ['completeMany', (lm) => lm.completeMany([prompts[0] as Int32Array, bad], { maxTokens: 3 })],
  ['choose', (lm) => lm.choose(bad, [Int32Array.of(5, 6), Int32Array.of(5, 7)])],
  ['a choice', (lm) => lm.choose(prompts[0] as Int32Array, [Int32Array.of(5, poison, 6, 7)])],
  ['evaluate', (lm) => lm.evaluate(colours('The sky-M is'))],
  ['a choice of evaluate', (lm) => lm.evaluate(colours('The sky is', ' blue-Moon'))],
  ['beamSearch', (lm) => lm.beamSearch(bad, { beams: 2, maxTokens: 3 })],
];

t.test('a prompt with values that are not finite leaves none behind', async (t) => {
  const model = await poisoned(t, 'F32');
  for (const flashAttention of [false, true]) {
    const options = { ...exact, contextSize: 256, maxSequences: 16, flashAttention };
    const outputs = async (lm: LLaMa) => {
      const greedy: number[] = [];
      for (const prompt of prompts) greedy.push(...(await lm.greedy(prompt)));
      const chosen = await lm.choose(prompts[1] as Int32Array, [
        Int32Array.of(5, 6),
        Int32Array.of(5, 7, 8),
      ]);
      const thoughts = await lm.evaluate(colours('The sky is'));
      greedy.push(thoughts.best()?.logprob as number);
      return [...greedy, ...chosen.choices.map(({ logprob }) => logprob)];
    };
    await using fresh = new LLaMa(model, options);
    const truth = await outputs(fresh);
    const error = async (lm: LLaMa) => {
      const values = await outputs(lm);
      return Math.max(...values.map((value, index) => Math.abs(value - (truth[index] as number))));
    };
    for (const [name, use] of uses) {
      await using lm = new LLaMa(model, options);
      await lm.ingest(prompts[2] as Int32Array);
      const outcome = await use(lm).catch((error: { code?: string }) => error.code);
      if (!['eval', 'ingest'].includes(name)) t.equal(outcome, 'DECODE_FAILED', name);
      t.ok((await error(lm)) < 1e-4, `after ${name}`);
      await use(lm).catch(() => {});
      await lm.clear();
      t.ok((await error(lm)) < 1e-4, `after ${name} and clear`);
    }
  }
});

t.test('a batch of texts to embed fails alone', async (t) => {
  const model = await poisoned(t, 'F32');
  await using lm = new LLaMa(model, { ...exact, contextSize: 256 });
  const [text] = prompts as [Int32Array];
  const { embedding } = await lm.embed(text);
  t.equal((await failure(lm.embed(bad))).code, 'DECODE_FAILED');
  t.same((await lm.embed(text)).embedding, embedding);
});
