// Contexts longer than the training one: the base that is raised, the warning, and llama.cpp's
// other ways.

import { join } from 'node:path';
import { type ContextOptions, defaultModelPath, LLaMa, type LLaMaOptions, Model } from 'autocog-lm';
import t, { type Test } from 'tap';
import { exact, loadForm } from '../support/forms.js';
import {
  formsOf,
  keyFloat32,
  keyString,
  keyUint32,
  readGguf,
  tensorOf,
  writeGguf,
} from '../support/gguf.js';

const prompt = 'The capital of France is Paris, and the capital of Spain is';
const model = await loadForm(t, 'F32');
const { trainContextSize } = model.info;
const folder = t.testdir();

async function open(t: Test, options: LLaMaOptions, source = model): Promise<LLaMa> {
  const lm = new LLaMa(source, { ...exact, ...options });
  t.teardown(() => lm.close());
  await lm.ready;
  return lm;
}

/** The formula, by another way: the square root of the square root of 2 as the exponent. */
const raised = (base: number, scale: number): number =>
  base * Math.exp(Math.log(scale) * Math.sqrt(Math.sqrt(2)));

/** Warnings that come while something is done. */
async function warningsOf(work: () => Promise<unknown>): Promise<Error[]> {
  const warnings: Error[] = [];
  const keep = (warning: Error): void => void warnings.push(warning);
  process.on('warning', keep);
  await work();
  await new Promise(setImmediate);
  process.off('warning', keep);
  return warnings;
}

t.test('the base grows with the context, and not below the training one', async (t) => {
  t.equal(model.info.ropeFrequencyBaseTrain, 10000);
  for (const scale of [0.25, 1, 1.25, 1.5, 2, 3.5, 8]) {
    const contextSize = trainContextSize * scale;
    const { contextInfo } = await open(t, { contextSize });
    t.equal(contextInfo.contextScale, scale);
    t.equal(contextInfo.ropeFrequencyScale, 1);
    const wanted = scale <= 1 ? 10000 : raised(10000, scale);
    const base = contextInfo.ropeFrequencyBase as number;
    t.ok(Math.abs(base / wanted - 1) < 1e-6, `${base} is ${wanted}`);
  }
});

t.test('what is computed is what that base computes', async (t) => {
  const contextSize = trainContextSize * 2;
  const automatic = await open(t, { contextSize });
  const explicit = await open(t, { contextSize, ropeFrequencyBase: raised(10000, 2) });
  const own = await open(t, { contextSize, ropeFrequencyBase: 10000 });
  t.equal(own.contextInfo.ropeFrequencyBase, 10000, 'a base of the caller is taken as it is');
  const logits = (await automatic.eval(prompt)).logits;
  t.strictSame((await explicit.eval(prompt)).logits, logits);
  t.notSame((await own.eval(prompt)).logits, logits);
  const usual = await open(t, { contextSize: trainContextSize });
  t.strictSame((await usual.eval(prompt)).logits, (await own.eval(prompt)).logits);
});

t.test('the base in effect is that of the model whose file says so', async (t) => {
  const { plain } = await formsOf(t, 'F32');
  const { keyValues, tensors } = readGguf(plain);
  const path = join(folder, 'base.gguf');
  keyValues.set('llama.rope.freq_base', keyFloat32('llama.rope.freq_base', raised(10000, 2)));
  writeGguf(path, keyValues.values(), tensors);
  const other = await Model.load(path);
  t.teardown(() => other.close());
  t.equal(other.info.ropeFrequencyBaseTrain, Math.fround(raised(10000, 2)));
  const wanted = await open(t, { contextSize: trainContextSize }, other);
  const found = await open(t, { contextSize: trainContextSize * 2 });
  t.strictSame((await found.eval(prompt)).logits, (await wanted.eval(prompt)).logits);
  const overridden = await Model.load(defaultModelPath, {
    metadataOverrides: { 'llama.rope.freq_base': 50000 },
  });
  t.teardown(() => overridden.close());
  t.equal(overridden.info.ropeFrequencyBaseTrain, 50000, 'or of the override');
});

t.test('a file may scale its positions, and a longer context scales on', async (t) => {
  const { plain } = await formsOf(t, 'F32');
  const { keyValues, tensors } = readGguf(plain);
  const path = join(folder, 'yarn.gguf');
  keyValues.set('llama.context_length', keyUint32('llama.context_length', 1024));
  const type = 'llama.rope.scaling.type';
  keyValues.set(type, keyString(type, 'yarn'));
  const factor = 'llama.rope.scaling.factor';
  keyValues.set(factor, keyFloat32(factor, 2));
  const original = 'llama.rope.scaling.original_context_length';
  keyValues.set(original, keyUint32(original, 512));
  writeGguf(path, keyValues.values(), tensors);
  const other = await Model.load(path);
  t.teardown(() => other.close());
  t.match(other.info, { ropeScalingTrain: 'yarn', ropeFrequencyScaleTrain: 0.5 });
  const vocabulary = await Model.load(path, { vocabOnly: true });
  t.teardown(() => vocabulary.close());
  t.match(vocabulary.info, { ropeScalingTrain: 'yarn', ropeFrequencyScaleTrain: 0.5 });
  const own = await open(t, { contextSize: 1024 }, other);
  t.match(own.contextInfo, { ropeScaling: 'yarn', ropeFrequencyScale: 0.5 });
  // The same by options on the model that says nothing of it.
  const options = { contextSize: 1024, ropeScaling: 'yarn', ropeFrequencyScale: 0.5 } as const;
  const asked = await open(t, options);
  t.strictSame((await asked.eval(prompt)).logits, (await own.eval(prompt)).logits);
  const longer = await open(t, { contextSize: 2048, ropeScaling: 'yarn' }, other);
  t.equal(longer.contextInfo.ropeFrequencyScale, 0.25);
  const none = await open(t, { contextSize: 1024, ropeScaling: 'none' }, other);
  t.match(none.contextInfo, { ropeScaling: 'none', ropeFrequencyScale: 1 });
  const plainest = await open(t, { contextSize: 512 });
  t.strictSame((await none.eval(prompt)).logits, (await plainest.eval(prompt)).logits);
});

t.test('longrope is for a model that has its factors', async (t) => {
  const { plain } = await formsOf(t, 'F32');
  const { keyValues, tensors } = readGguf(plain);
  const path = join(folder, 'longrope.gguf');
  const type = 'llama.rope.scaling.type';
  keyValues.set(type, keyString(type, 'longrope'));
  const original = 'llama.rope.scaling.original_context_length';
  keyValues.set(original, keyUint32(original, 64));
  const factors = (size: number): Float32Array => new Float32Array(16).fill(size);
  tensors.push(
    tensorOf('rope_factors_long.weight', [16], factors(2)),
    tensorOf('rope_factors_short.weight', [16], factors(1)),
  );
  writeGguf(path, keyValues.values(), tensors);
  const other = await Model.load(path);
  t.teardown(() => other.close());
  t.equal(other.info.ropeScalingTrain, 'longrope');
  const own = await open(t, {}, other);
  t.equal(own.contextInfo.ropeScaling, 'longrope');
  const asked = await open(t, { ropeScaling: 'longrope' }, other);
  const logits = (await own.eval(prompt)).logits;
  t.strictSame((await asked.eval(prompt)).logits, logits);
  // Factors of 2 are positions at half their distance.
  const halved = await open(t, { ropeFrequencyScale: 0.5 });
  const wanted = (await halved.eval(prompt)).logits;
  const off = logits.reduce((most, v, i) => Math.max(most, Math.abs(v - (wanted[i] as number))), 0);
  t.ok(off < 1e-4, `off by ${off}`);
});

t.test('each way of scaling computes something of its own', async (t) => {
  const contextSize = 1024;
  const ways: ContextOptions[] = [
    {},
    { ropeScaling: 'none' },
    { ropeScaling: 'linear' },
    { ropeScaling: 'yarn' },
    { ropeScaling: 'yarn', yarnExtFactor: 0.5 },
    { ropeScaling: 'yarn', yarnExtFactor: 0, yarnAttnFactor: 1.5 },
    { ropeScaling: 'yarn', yarnBetaFast: 16 },
    { ropeScaling: 'yarn', yarnBetaSlow: 4 },
    { ropeScaling: 'yarn', yarnOrigCtx: 256 },
  ];
  const found = await Promise.all(
    ways.map(async (way) => (await (await open(t, { contextSize, ...way })).eval(prompt)).logits),
  );
  for (const [index, logits] of found.entries()) {
    for (const other of found.slice(index + 1)) t.notSame(logits, other);
  }
  const linear = await open(t, { contextSize, ropeScaling: 'linear' });
  t.equal(linear.contextInfo.ropeFrequencyScale, 0.5, 'by as much as the context takes');
  const explicit = await open(t, { contextSize, ropeFrequencyScale: 0.5 });
  t.strictSame((await explicit.eval(prompt)).logits, (await linear.eval(prompt)).logits);
  const yarn = await open(t, { contextSize, ropeScaling: 'yarn', yarnOrigCtx: 256 });
  t.equal(yarn.contextInfo.ropeFrequencyScale, 0.25);
  const short = await open(t, { contextSize: 256, ropeScaling: 'linear' });
  t.equal(short.contextInfo.ropeFrequencyScale, 1, 'and by nothing where it takes nothing');
});

t.test('a context from twice the training one on brings a warning', async (t) => {
  const words: [number, string | undefined][] = [
    [1, undefined],
    [1.99, undefined],
    [2, 'poor'],
    [3.9, 'poor'],
    [4, 'bad'],
    [7.9, 'bad'],
    [8, 'terrible'],
    [20, 'terrible'],
  ];
  for (const [scale, word] of words) {
    const contextSize = Math.floor(trainContextSize * scale);
    const warnings = await warningsOf(async () => open(t, { contextSize }));
    t.equal(warnings.length, word === undefined ? 0 : 1, `${scale} times`);
    if (word === undefined) continue;
    t.match(warnings[0], {
      name: 'AutocogWarning',
      code: 'AUTOCOG_CONTEXT_SCALE',
      message: new RegExp(`^A contextSize of ${contextSize} is .* expect ${word} quality$`),
      detail: /The base of the rotary positions was raised/,
    });
  }
  const chosen: ContextOptions[] = [
    { ropeFrequencyBase: 40000 },
    { ropeFrequencyScale: 0.5 },
    { ropeScaling: 'linear' },
    { ropeScaling: 'yarn' },
  ];
  for (const way of chosen) {
    const warnings = await warningsOf(async () => open(t, { contextSize: 2048, ...way }));
    t.strictSame(warnings, [], 'a caller who chose is not warned');
  }
  const warned = new Promise((resolve) => process.once('warning', resolve));
  const lm = await LLaMa.load(defaultModelPath, { ...exact, contextSize: 1024 });
  t.teardown(() => lm.close());
  t.match(await warned, { code: 'AUTOCOG_CONTEXT_SCALE' }, 'load warns, too');
});

t.test('what the engine would ignore, or not do, is refused', async (t) => {
  const refuse = (options: object, name: string, message: RegExp): unknown =>
    t.throws(() => new LLaMa(model, { ...exact, ...options }), { name, message });
  refuse(
    { ropeScaling: 'ntk' },
    'TypeError',
    /Expected one of 'none', 'linear', 'yarn', 'longrope'/,
  );
  refuse({ ropeScaling: 'longrope' }, 'RangeError', /as this model knows, for ropeScaling/);
  refuse({ ropeScaling: 'none', ropeFrequencyScale: 0.5 }, 'RangeError', /ropeFrequencyScale/);
  refuse({ yarnExtFactor: 1 }, 'TypeError', /Expected 'yarn' with yarnExtFactor for ropeScaling/);
  refuse({ ropeScaling: 'linear', yarnOrigCtx: 8 }, 'TypeError', /'yarn' with yarnOrigCtx/);
  refuse({ ropeScaling: 'yarn', yarnAttnFactor: 1 }, 'RangeError', /0 with yarnAttnFactor/);
  const off = { ropeScaling: 'yarn', yarnExtFactor: 0 };
  refuse({ ...off, yarnBetaFast: 1 }, 'RangeError', /above 0 with yarnBetaFast for yarnExtFactor/);
  refuse({ ...off, yarnOrigCtx: 1 }, 'RangeError', /above 0 with yarnOrigCtx for yarnExtFactor/);
  refuse({ ropeScaling: 'yarn', yarnOrigCtx: 1.5 }, 'RangeError', /integer/);
  refuse({ ropeScaling: 'yarn', yarnBetaSlow: -1 }, 'RangeError', /of at least 0/);
  refuse({ ropeFrequencyBase: -1 }, 'RangeError', /of at least 0/);
  refuse({ ropeFrequencyBase: 1e39 }, 'RangeError', /single-precision/);
  refuse({ ropeFrequencyScale: '1' }, 'TypeError', /a number for ropeFrequencyScale/);
});
