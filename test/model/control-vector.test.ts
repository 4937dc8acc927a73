// Control vectors. Adding one after a layer equals adding it to that layer's `ffn_down` bias: the
// reference is a model file with such biases.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LLaMa, Model, quantize } from 'autocog-lm';
import t, { type Test } from 'tap';
import { exact } from '../support/forms.js';
import {
  formsOf,
  ggufBytes,
  i32,
  keyString,
  noise,
  readGguf,
  type Tensor,
  tensorOf,
  writeGguf,
} from '../support/gguf.js';

const prompt = 'The colour of the sky is';
const folder = t.testdir();
const { path, plain } = await formsOf(t, 'F32');
const width = 128;
const layers = 3;
const data = noise(width * layers, 1, 7);
const keys = [
  keyString('general.architecture', 'controlvector'),
  keyString('controlvector.model_hint', 'llama'),
];

/** The rows of a vector as the tensors of a file, from layer 1 on. */
const directions = (data: Float32Array): Tensor[] =>
  Array.from({ length: data.length / width }, (_, row) =>
    tensorOf(`direction.${row + 1}`, [width], data.slice(row * width, (row + 1) * width)),
  );

const file = join(folder, 'vector.gguf');
writeGguf(file, keys, directions(data));

async function open(t: Test, source = path): Promise<LLaMa> {
  const lm = await LLaMa.load(source, { ...exact, contextSize: 128 });
  t.teardown(() => lm.close());
  return lm;
}

const distance = (a: Float32Array, b: Float32Array): number =>
  a.reduce((max, value, index) => Math.max(max, Math.abs(value - (b[index] as number))), 0);

let biasedModels = 0;

/** Writes a copy of the model with these biases, the first row for layer 1. */
function biased(source: string, bias: Float32Array): string {
  const { keyValues, tensors } = readGguf(source);
  const biases = directions(bias).map(({ data }, row) => ({
    ...tensorOf(`blk.${row + 1}.ffn_down.bias`, [width], new Float32Array(0)),
    data,
  }));
  const path = join(folder, `biased-${biasedModels++}.gguf`);
  writeGguf(path, keyValues.values(), [...tensors, ...biases]);
  return path;
}

t.test('a control vector equals a bias after the same layer', async (t) => {
  const lm = await open(t);
  const before = await lm.greedy(prompt);
  const parts: [string, object, Float32Array][] = [
    ['all layers', { data }, data],
    ['a scale', { data, scale: -0.7 }, data.map((value) => value * -0.7)],
    ['a file', { path: file, scale: 2 }, data.map((value) => value * 2)],
    ['the first layer', { data, layerEnd: 1 }, data.slice(0, width)],
    ['a short vector', { data: data.slice(0, width) }, data.slice(0, width)],
    [
      'the second layer',
      { data, layerStart: 2, layerEnd: 2 },
      data.map((value, index) => (index >= width && index < 2 * width ? value : 0)),
    ],
    ['the last layer', { path: file, layerStart: 3 }, data.map((v, i) => (i < 2 * width ? 0 : v))],
  ];
  for (const [name, vector, bias] of parts) {
    await lm.setControlVector(vector);
    const actual = await lm.greedy(prompt);
    const expected = await (await open(t, biased(plain, bias))).greedy(prompt);
    const off = distance(actual, expected);
    t.ok(off < 2e-4, `${name}: ${off}`);
    t.ok(distance(actual, before) > 0.05, 'and it has an effect');
  }
});

t.test('also on Q8_0 weights, up to the rounding of the kernels', async (t) => {
  const form = join(folder, 'Q8_0.gguf');
  const plain8 = join(folder, 'Q8_0-plain.gguf');
  await quantize(path, form, 'Q8_0');
  await quantize(form, plain8, 'F32');
  const lm = await open(t, form);
  const before = await lm.greedy(prompt);
  const strong = data.map((value) => value * 4);
  await lm.setControlVector({ data: strong });
  const actual = await lm.greedy(prompt);
  const expected = await (await open(t, biased(plain8, strong))).greedy(prompt);
  t.ok(distance(actual, expected) < 0.6, `off by ${distance(actual, expected)}`);
  t.ok(distance(actual, before) > 2);
  await lm.setControlVector(undefined);
  t.strictSame(await lm.greedy(prompt), before);
});

t.test('a zero vector changes nothing, and removing a vector restores the model', async (t) => {
  const lm = await open(t);
  const before = await lm.greedy(prompt);
  await lm.setControlVector({ data: new Float32Array(width * layers) });
  t.strictSame(await lm.greedy(prompt), before, 'zeros');
  await lm.setControlVector({ data, scale: 0 });
  t.strictSame(await lm.greedy(prompt), before, 'a scale of zero');
  await lm.setControlVector({ data });
  const actual = await lm.greedy(prompt);
  t.notSame(actual, before);
  for (const none of [undefined, []]) {
    await lm.setControlVector({ data });
    await lm.setControlVector(none);
    t.strictSame(await lm.greedy(prompt), before, 'none');
  }
  // No rows of a longer vector may remain after setting a shorter one.
  await lm.setControlVector({ data });
  await lm.setControlVector({ data: data.slice(0, width) });
  const short = await lm.greedy(prompt);
  const fresh = await open(t);
  await fresh.setControlVector({ data: data.slice(0, width) });
  t.strictSame(await fresh.greedy(prompt), short);
});

t.test('files, data, scales and sums are consistent', async (t) => {
  const lm = await open(t);
  const after = async (vector: Parameters<LLaMa['setControlVector']>[0]): Promise<Float32Array> => {
    await lm.setControlVector(vector);
    return lm.greedy(prompt);
  };
  const expected = await after({ data });
  t.strictSame(await after({ path: file }), expected, 'a file equals its data');
  t.strictSame(await after([{ path: file }]), expected, 'a list of one');
  const tripled = await after({ data: data.map((value) => value * 3) });
  t.strictSame(await after({ data, scale: 3 }), tripled, 'a scale');
  const thrice = [{ data }, { path: file, scale: 1 }, { data, scale: 1 }];
  t.strictSame(await after(thrice), tripled, 'several vectors are summed');
  const pieces = [1, 2, 3].map((layer) => ({ data, layerStart: layer, layerEnd: layer }));
  t.strictSame(await after(pieces), expected, 'layer by layer');
  const changing = data.slice();
  const setting = lm.setControlVector({ data: changing });
  changing.fill(100);
  await setting;
  t.strictSame(await lm.greedy(prompt), expected, 'the data are copied by the call');
  t.strictSame(await lm.greedy(prompt, {}), expected);
  t.equal((await lm.eval(prompt)).usage.cachedTokens > 0, true);
  await lm.setControlVector({ data });
  t.equal((await lm.eval(prompt)).usage.cachedTokens, 0, 'no cached prompt is used');
});

t.test('files that are not control vectors are rejected, with the reason', async (t) => {
  const lm = await open(t);
  const rows = directions(data);
  const [one] = rows as [Tensor];
  const write = (name: string, bytes: Buffer): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const with1 = (name: string, tensor: Partial<Tensor>): string =>
    write(name, ggufBytes(keys, [{ ...one, ...tensor }]));
  const wrong = Float32Array.of(...data.slice(1, width), Number.NaN);
  const whole = readFileSync(file);
  const cases: [string, RegExp][] = [
    [join(folder, 'missing.gguf'), /no such file/],
    [write('noise.gguf', Buffer.from('GGUFnoise')), /broken/],
    [write('bare.gguf', ggufBytes(keys, [])), /no tensors/],
    [path, /is not a direction/],
    [with1('zero.gguf', { name: 'direction.0' }), /is not a direction/],
    [with1('word.gguf', { name: 'direction.one' }), /is not a direction/],
    [with1('minus.gguf', { name: 'direction.-1' }), /is not a direction/],
    [with1('huge.gguf', { name: 'direction.99999999999999999999' }), /is not a direction/],
    [with1('fourth.gguf', { name: 'direction.4' }), /layers 1 to 3/],
    [with1('integers.gguf', { type: i32 }), /of type i32, not f32/],
    [with1('short.gguf', { shape: [64], data: one.data.subarray(0, 256) }), /has 64 numbers/],
    [with1('square.gguf', { shape: [width, 2], data: Buffer.alloc(width * 8) }), /has 256 numbers/],
    [with1('nan.gguf', tensorOf('direction.1', [width], wrong)), /not finite/],
    [write('cut.gguf', whole.subarray(0, whole.length - 60)), /the file ends/],
  ];
  await lm.setControlVector({ data });
  const before = await lm.greedy(prompt);
  for (const [path, message] of cases) {
    const error = { name: 'ModelLoadError', code: 'MODEL_LOAD', message };
    await t.rejects(lm.setControlVector({ path }), error, path);
  }
  t.strictSame(await lm.greedy(prompt), before, 'the vector in use remains');
});

t.test('invalid arguments are rejected', async (t) => {
  const lm = await open(t);
  const type = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
  const range = { name: 'RangeError', code: 'OUT_OF_RANGE' };
  const call = (vector: unknown): Promise<void> => lm.setControlVector(vector as never);
  await t.rejects(call(null), type);
  await t.rejects(call({}), type);
  await t.rejects(call([undefined]), type);
  await t.rejects(call({ path: file, data }), type);
  await t.rejects(call({ path: '' }), type);
  await t.rejects(call({ data: [...data] }), type);
  await t.rejects(call({ data, strength: 1 }), type);
  await t.rejects(call({ data: new Float32Array(0) }), range);
  await t.rejects(call({ data: new Float32Array(width - 1) }), range);
  await t.rejects(call({ data: new Float32Array(width * (layers + 1)) }), range);
  await t.rejects(call({ data: data.map(() => Number.NaN) }), range);
  await t.rejects(call({ data, scale: Number.POSITIVE_INFINITY }), range);
  await t.rejects(call({ data, scale: 1e300 }), range);
  await t.rejects(call({ data, layerStart: 0 }), range);
  await t.rejects(call({ data, layerStart: 3, layerEnd: 2 }), range);
  await t.rejects(call({ data, layerEnd: layers + 1 }), range);
  const signal = AbortSignal.abort(new Error('enough'));
  await t.rejects(lm.setControlVector({ data }, { signal }), { message: 'enough' });
  await lm.close();
  await t.rejects(lm.setControlVector({ data }), { name: 'ClosedError' });
});

t.test('each context of a model has its own vector', async (t) => {
  const model = await Model.load(path);
  t.teardown(() => model.close());
  const one = new LLaMa(model, { ...exact, contextSize: 128 });
  const other = new LLaMa(model, { ...exact, contextSize: 128 });
  t.teardown(() => Promise.all([one.close(), other.close()]));
  const before = await other.greedy(prompt);
  await one.setControlVector({ data });
  t.notSame(await one.greedy(prompt), before);
  await other.clear();
  t.strictSame(await other.greedy(prompt), before);
});
