// LoRA adapters in use: they compute what the same model computes with the adapters merged into its
// weights, and nothing of them remains after they are removed.

import { join, resolve } from 'node:path';
import { LLaMa, Model, quantize } from 'autocog-lm';
import t, { type Test } from 'tap';
import { runChild } from '../support/child.js';
import { exact } from '../support/forms.js';
import { formsOf, type Gguf, noise, readGguf, tensorOf, writeGguf } from '../support/gguf.js';
import { adapterFiles, adapterKeys, open, prompt, rank, writeMerged } from './lora.js';

const choices = [' Paris', ' London', ' a city', ' Berlin'];
const { folder, modelPath, base, pairs, others, file, otherFile } = await adapterFiles(t);

/** The maximum absolute difference. */
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a, (value, index) => Math.abs(value - (b[index] as number))).reduce((x, y) =>
    Math.max(x, y),
  );

async function logprobsOf(lm: LLaMa, prior?: string): Promise<number[]> {
  const choice = await lm.choose(prompt, choices, prior === undefined ? {} : { prior });
  const scored = [...choice.choices].sort((a, b) => a.index - b.index);
  return scored.flatMap(({ logprob, probability, priorLogprob = 0 }) => {
    return [logprob, probability, priorLogprob];
  });
}

let mergedModels = 0;

/** Whether adapters give the same results as weights that they are merged into. */
async function checkMerged(
  t: Test,
  form: { path: string; base: Gguf },
  scales: readonly [number, number],
  bound: number,
): Promise<void> {
  const mergedPath = join(folder, `merged-${mergedModels++}.gguf`);
  writeMerged(mergedPath, form.base, [
    [pairs, scales[0]],
    [others, scales[1]],
  ]);
  const lm = await open(t, form.path);
  const before = await lm.greedy(prompt);
  const merged = await open(t, mergedPath);
  const first = await lm.model.loadAdapter(file);
  const second = await lm.model.loadAdapter(otherFile);
  const uses = [
    { adapter: first, scale: scales[0] },
    { adapter: second, scale: scales[1] },
  ];
  await lm.setAdapters(uses.filter(({ scale }) => scale !== 0));
  const greedy = await lm.greedy(prompt);
  const off = distance(greedy, await merged.greedy(prompt));
  t.ok(off <= bound, `greedy is within ${bound} of the merged weights: ${off}`);
  const moved = distance(greedy, before);
  t.ok(moved > 10 * bound, `and has changed by ${moved}`);
  const choiceOff = distance(await logprobsOf(lm), await logprobsOf(merged));
  t.ok(choiceOff <= bound, `choose, too: ${choiceOff}`);
}

t.test('adapters compute the same as weights that they are merged into', async (t) => {
  for (const scales of [
    [1, 0],
    [0.5, 0],
    [-1, 0],
    [0.7, 0.4],
  ] as const) {
    await t.test(`with the scales ${scales}`, (t) =>
      checkMerged(t, { path: modelPath, base }, scales, 2e-4),
    );
  }
});

t.test('adapters on Q8_0 weights agree up to the rounding of the kernels', async (t) => {
  const form = await formsOf(t, 'Q8_0');
  await checkMerged(t, { path: form.path, base: readGguf(form.plain) }, [1, 0], 0.6);
});

t.test('scale 0 and no adapters give the results of the model itself', async (t) => {
  const lm = await open(t, modelPath);
  const before = await lm.greedy(prompt);
  const chosen = await logprobsOf(lm);
  const adapter = await lm.model.loadAdapter(file);
  await lm.setAdapters([{ adapter, scale: 0 }]);
  t.strictSame(await lm.greedy(prompt), before, 'scale 0');
  await lm.setAdapters([{ adapter }]);
  t.strictSame(lm.adapters, [{ adapter, scale: 1 }], 'the default scale is 1');
  const with1 = await lm.greedy(prompt);
  t.notSame(with1, before);
  await lm.setAdapters([]);
  t.strictSame(lm.adapters, []);
  t.strictSame(await lm.greedy(prompt), before, 'none');
  t.strictSame(await logprobsOf(lm), chosen);
  await lm.setAdapters([{ adapter }]);
  t.strictSame(await lm.greedy(prompt), with1, 'and again');
});

t.test('changing adapters invalidates cached prompts and priors', async (t) => {
  const lm = await open(t, modelPath);
  const variant = lm.with({});
  const adapter = await lm.model.loadAdapter(file);
  await lm.ingest(prompt);
  t.equal((await lm.eval(prompt)).usage.cachedTokens, (await lm.eval(prompt)).usage.promptTokens);
  const unadapted = await logprobsOf(lm, 'A city is');
  await logprobsOf(variant, 'A city is');
  await lm.setAdapters([{ adapter }]);
  t.equal((await lm.eval(prompt)).usage.cachedTokens, 0, 'no cached prompt');
  const fresh = await open(t, modelPath);
  await fresh.setAdapters([{ adapter: await fresh.model.loadAdapter(file) }]);
  const expected = await logprobsOf(fresh, 'A city is');
  t.notSame(expected, unadapted);
  t.ok(distance(await logprobsOf(lm, 'A city is'), expected) < 1e-4, 'no prior');
  t.ok(
    distance(await logprobsOf(variant, 'A city is'), expected) < 1e-4,
    'nor the prior of a variant',
  );
  t.strictSame(variant.adapters, lm.adapters);
});

t.test('a closed adapter stays in use, but cannot be set again', async (t) => {
  const model = await Model.load(modelPath);
  const lm = new LLaMa(model, { ...exact, contextSize: 128 });
  const adapter = await model.loadAdapter(file);
  await lm.setAdapters([{ adapter }]);
  const before = await lm.greedy(prompt);
  await adapter.close();
  await adapter.close();
  t.ok(adapter.closed);
  await lm.clear();
  t.strictSame(await lm.greedy(prompt), before);
  await t.rejects(lm.setAdapters([{ adapter }]), { name: 'ClosedError', code: 'CLOSED' });
  t.strictSame(await lm.greedy(prompt), before, 'a rejected call changes nothing');
  const other = await model.loadAdapter(otherFile);
  await model.close();
  t.notOk(other.closed, 'a closed model in use keeps its adapters open');
  await lm.setAdapters([{ adapter: other }]);
  await lm.close();
  t.ok(other.closed, 'and closes them when it is freed');
  await t.rejects(model.loadAdapter(file), { name: 'ClosedError' });
  await t.rejects(lm.setAdapters([]), { name: 'ClosedError' });
});

t.test('an adapter that would trip an assertion of llama.cpp is rejected', async (t) => {
  const lm = await open(t, modelPath);
  // The default model's output weights are tied to its embeddings, whose LoRA is transposed.
  const { vocab, info } = lm.model;
  const size = info.embeddingSize;
  const path = join(folder, 'embeddings.gguf');
  writeGguf(path, adapterKeys(), [
    tensorOf('token_embd.weight.lora_a', [rank, vocab.size], noise(rank * vocab.size, 0.1, 1)),
    tensorOf('token_embd.weight.lora_b', [rank, size], noise(rank * size, 0.1, 2)),
  ]);
  const good = await lm.model.loadAdapter(file);
  await lm.setAdapters([{ adapter: good }]);
  const before = await lm.greedy(prompt);
  const bad = await lm.model.loadAdapter(path);
  await t.rejects(lm.setAdapters([{ adapter: good }, { adapter: bad }]), {
    name: 'NotSupportedError',
  });
  t.strictSame(lm.adapters, [{ adapter: good, scale: 1 }], 'those in use remain');
  t.strictSame(await lm.greedy(prompt), before);
});

t.test('invalid arguments are rejected, and change nothing', async (t) => {
  const lm = await open(t, modelPath);
  const otherLM = await open(t, modelPath);
  const adapter = await lm.model.loadAdapter(file);
  const foreign = await otherLM.model.loadAdapter(file);
  await lm.setAdapters([{ adapter }]);
  const before = await lm.greedy(prompt);
  const type = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
  const range = { name: 'RangeError', code: 'OUT_OF_RANGE' };
  const call = (uses: unknown): Promise<void> => lm.setAdapters(uses as never);
  await t.rejects(call(undefined), type);
  await t.rejects(call({ adapter }), type);
  await t.rejects(call([adapter]), type);
  await t.rejects(call([undefined]), type);
  await t.rejects(call([{ adapter, weight: 1 }]), type);
  await t.rejects(call([{ adapter, scale: '1' }]), type);
  await t.rejects(call([{ adapter, scale: Number.NaN }]), range);
  await t.rejects(call([{ adapter, scale: 1e39 }]), range);
  await t.rejects(call([{ adapter }, { adapter, scale: 2 }]), range);
  await t.rejects(call([{ adapter: foreign }]), range);
  await t.rejects(lm.model.loadAdapter(''), type);
  await t.rejects(lm.model.loadAdapter('a\0b'), type);
  const target = join(folder, 'quantized.gguf');
  await t.rejects(
    quantize(file, target, 'Q8_0'),
    { name: 'ModelLoadError' },
    'an adapter is not a model',
  );
  const signal = AbortSignal.abort(new Error('enough'));
  await t.rejects(lm.setAdapters([], { signal }), { message: 'enough' });
  await t.rejects(lm.model.loadAdapter(file, { signal }), { message: 'enough' });
  const aborting = new AbortController();
  const loading = lm.model.loadAdapter(file, { signal: aborting.signal });
  aborting.abort(new Error('too late'));
  await t.rejects(loading, { message: 'too late' });
  t.strictSame(await lm.greedy(prompt), before);
});

t.test('concurrent calls run in order', async (t) => {
  const lm = await open(t, modelPath);
  const before = await lm.greedy(prompt);
  const adapters = await Promise.all(
    [file, otherFile, file].map((path) => lm.model.loadAdapter(path)),
  );
  const calls = adapters.map((adapter) => lm.setAdapters([{ adapter }]));
  await Promise.all([...calls, lm.greedy(prompt), lm.setAdapters([])]);
  t.strictSame(lm.adapters, []);
  t.strictSame(await lm.greedy(prompt), before);
});

t.test('a process with adapters in use exits cleanly, however it ends', async (t) => {
  process.env.ADAPTER = resolve(file);
  const run = (scenario: string) => runChild('adapters', scenario);
  t.match(await run('exit'), { code: 7, signal: null, stderr: '' });
  t.match(await run('terminate'), { code: 0, told: ['done'], stderr: '' });
  t.match(await run('close'), { code: 0, told: ['ClosedError', true], stderr: '' });
  const { code, told } = await run('memory');
  t.equal(code, 0);
  // One adapter is 90 kB: 300 leaked ones would be 26 MiB.
  t.ok((told[0] as number) < 12, `${told[0]} MiB more`);
});
