// Contexts longer than the training context: the raised RoPE base, the warning, and llama.cpp's own
// scaling methods.

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

/** An independent form of the formula: the exponent is the square root of the square root of 2. */
const raised = (base: number, scale: number): number =>
  base * Math.exp(Math.log(scale) * Math.sqrt(Math.sqrt(2)));

/** The process warnings during `work`. */
async function warningsOf(work: () => Promise<unknown>): Promise<Error[]> {
  const warnings: Error[] = [];
  const keep = (warning: Error): void => void warnings.push(warning);
  process.on('warning', keep);
  await work();
  await new Promise(setImmediate);
  process.off('warning', keep);
  return warnings;
}

t.test('the base grows with contexts beyond the training context', async (t) => {
  t.equal(model.info.ropeFrequencyBaseTrain, 10000);
  for (const scale of [0.25, 1, 1.25, 1.5, 2, 3.5, 8]) {
    const contextSize = trainContextSize * scale;
    const { contextInfo } = await open(t, { contextSize });
    t.equal(contextInfo.contextScale, scale);
    t.equal(contextInfo.ropeFrequencyScale, 1);
    const expected = scale <= 1 ? 10000 : raised(10000, scale);
    const base = contextInfo.ropeFrequencyBase as number;
    t.ok(Math.abs(base / expected - 1) < 1e-6, `${base} is ${expected}`);
  }
});

t.test('the raised base computes the same as the same base set explicitly', async (t) => {
  const contextSize = trainContextSize * 2;
  const automatic = await open(t, { contextSize });
  const explicit = await open(t, { contextSize, ropeFrequencyBase: raised(10000, 2) });
  const own = await open(t, { contextSize, ropeFrequencyBase: 10000 });
  t.equal(own.contextInfo.ropeFrequencyBase, 10000, 'an explicit base is used unchanged');
  const logits = (await automatic.eval(prompt)).logits;
  t.strictSame((await explicit.eval(prompt)).logits, logits);
  t.notSame((await own.eval(prompt)).logits, logits);
  const usual = await open(t, { contextSize: trainContextSize });
  t.strictSame((await usual.eval(prompt)).logits, (await own.eval(prompt)).logits);
});

t.test('the raised base computes the same as a file with that base', async (t) => {
  const { plain } = await formsOf(t, 'F32');
  const { keyValues, tensors } = readGguf(plain);
  const path = join(folder, 'base.gguf');
  keyValues.set('llama.rope.freq_base', keyFloat32('llama.rope.freq_base', raised(10000, 2)));
  writeGguf(path, keyValues.values(), tensors);
  const other = await Model.load(path);
  t.teardown(() => other.close());
  t.equal(other.info.ropeFrequencyBaseTrain, Math.fround(raised(10000, 2)));
  const expected = await open(t, { contextSize: trainContextSize }, other);
  const actual = await open(t, { contextSize: trainContextSize * 2 });
  t.strictSame((await actual.eval(prompt)).logits, (await expected.eval(prompt)).logits);
  const overridden = await Model.load(defaultModelPath, {
    metadataOverrides: { 'llama.rope.freq_base': 50000 },
  });
  t.teardown(() => overridden.close());
  t.equal(overridden.info.ropeFrequencyBaseTrain, 50000, 'an override changes the base, too');
});

t.test('a longer context multiplies the scale of a file that has one', async (t) => {
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
  // The same by options, on the model whose file has no scaling.
  const options = { contextSize: 1024, ropeScaling: 'yarn', ropeFrequencyScale: 0.5 } as const;
  const explicit = await open(t, options);
  t.strictSame((await explicit.eval(prompt)).logits, (await own.eval(prompt)).logits);
  const longer = await open(t, { contextSize: 2048, ropeScaling: 'yarn' }, other);
  t.equal(longer.contextInfo.ropeFrequencyScale, 0.25);
  const none = await open(t, { contextSize: 1024, ropeScaling: 'none' }, other);
  t.match(none.contextInfo, { ropeScaling: 'none', ropeFrequencyScale: 1 });
  const unscaled = await open(t, { contextSize: 512 });
  t.strictSame((await none.eval(prompt)).logits, (await unscaled.eval(prompt)).logits);
});

t.test('longrope uses the factors of the model', async (t) => {
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
  const explicit = await open(t, { ropeScaling: 'longrope' }, other);
  const logits = (await own.eval(prompt)).logits;
  t.strictSame((await explicit.eval(prompt)).logits, logits);
  // Factors of 2 halve the distances between positions.
  const halved = await open(t, { ropeFrequencyScale: 0.5 });
  const expected = (await halved.eval(prompt)).logits;
  const off = logits.reduce((max, v, i) => Math.max(max, Math.abs(v - (expected[i] as number))), 0);
  t.ok(off < 1e-4, `off by ${off}`);
});

t.test('every scaling method computes something different', async (t) => {
  const contextSize = 1024;
  const methods: ContextOptions[] = [
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
  const results = await Promise.all(
    methods.map(
      async (method) => (await (await open(t, { contextSize, ...method })).eval(prompt)).logits,
    ),
  );
  for (const [index, logits] of results.entries()) {
    for (const other of results.slice(index + 1)) t.notSame(logits, other);
  }
  const linear = await open(t, { contextSize, ropeScaling: 'linear' });
  t.equal(linear.contextInfo.ropeFrequencyScale, 0.5, 'by the context scale');
  const explicit = await open(t, { contextSize, ropeFrequencyScale: 0.5 });
  t.strictSame((await explicit.eval(prompt)).logits, (await linear.eval(prompt)).logits);
  const yarn = await open(t, { contextSize, ropeScaling: 'yarn', yarnOrigCtx: 256 });
  t.equal(yarn.contextInfo.ropeFrequencyScale, 0.25);
  const short = await open(t, { contextSize: 256, ropeScaling: 'linear' });
  t.equal(short.contextInfo.ropeFrequencyScale, 1, 'but not below the training context');
});

t.test('a context of at least twice the training context causes a warning', async (t) => {
  const qualities: [number, string | undefined][] = [
    [1, undefined],
    [1.99, undefined],
    [2, 'poor'],
    [3.9, 'poor'],
    [4, 'bad'],
    [7.9, 'bad'],
    [8, 'terrible'],
    [20, 'terrible'],
  ];
  for (const [scale, quality] of qualities) {
    const contextSize = Math.floor(trainContextSize * scale);
    const warnings = await warningsOf(async () => open(t, { contextSize }));
    t.equal(warnings.length, quality === undefined ? 0 : 1, `${scale} times`);
    if (quality === undefined) continue;
    t.match(warnings[0], {
      name: 'AutocogWarning',
      code: 'AUTOCOG_CONTEXT_SCALE',
      message: new RegExp(`^A contextSize of ${contextSize} is .* expect ${quality} quality$`),
      detail: /The RoPE frequency base was raised/,
    });
  }
  const explicit: ContextOptions[] = [
    { ropeFrequencyBase: 40000 },
    { ropeFrequencyScale: 0.5 },
    { ropeScaling: 'linear' },
    { ropeScaling: 'yarn' },
  ];
  for (const method of explicit) {
    const warnings = await warningsOf(async () => open(t, { contextSize: 2048, ...method }));
    t.strictSame(warnings, [], 'explicit options cause no warning');
  }
  const warning = new Promise((resolve) => process.once('warning', resolve));
  const lm = await LLaMa.load(defaultModelPath, { ...exact, contextSize: 1024 });
  t.teardown(() => lm.close());
  t.match(await warning, { code: 'AUTOCOG_CONTEXT_SCALE' }, 'load warns, too');
});

t.test('options that the engine would ignore or cannot apply are rejected', async (t) => {
  const rejects = (options: object, name: string, message: RegExp): unknown =>
    t.throws(() => new LLaMa(model, { ...exact, ...options }), { name, message });
  rejects(
    { ropeScaling: 'ntk' },
    'TypeError',
    /Expected one of 'none', 'linear', 'yarn', 'longrope'/,
  );
  rejects(
    { ropeScaling: 'longrope' },
    'RangeError',
    /\(the model was not trained with 'longrope'\) for ropeScaling/,
  );
  rejects({ ropeScaling: 'none', ropeFrequencyScale: 0.5 }, 'RangeError', /ropeFrequencyScale/);
  rejects({ yarnExtFactor: 1 }, 'TypeError', /Expected 'yarn' with yarnExtFactor for ropeScaling/);
  rejects({ ropeScaling: 'linear', yarnOrigCtx: 8 }, 'TypeError', /'yarn' with yarnOrigCtx/);
  rejects({ ropeScaling: 'yarn', yarnAttnFactor: 1 }, 'RangeError', /0 with yarnAttnFactor/);
  const off = { ropeScaling: 'yarn', yarnExtFactor: 0 };
  rejects({ ...off, yarnBetaFast: 1 }, 'RangeError', /above 0 with yarnBetaFast for yarnExtFactor/);
  rejects({ ...off, yarnOrigCtx: 1 }, 'RangeError', /above 0 with yarnOrigCtx for yarnExtFactor/);
  rejects({ ropeScaling: 'yarn', yarnOrigCtx: 1.5 }, 'RangeError', /integer/);
  rejects({ ropeScaling: 'yarn', yarnBetaSlow: -1 }, 'RangeError', /of at least 0/);
  rejects({ ropeFrequencyBase: -1 }, 'RangeError', /of at least 0/);
  rejects({ ropeFrequencyBase: 1e39 }, 'RangeError', /single-precision/);
  rejects({ ropeFrequencyScale: '1' }, 'TypeError', /a number for ropeFrequencyScale/);
});
