// Models that llama.cpp loads, but whose first decode would end the process: refused on load, with the
// name of the tensor or of the key.

import { join } from 'node:path';
import { defaultModelPath, LLaMa, Model, quantize } from 'autocog-lm';
import t from 'tap';
import { failure } from '../support/failures.js';
import { exact } from '../support/forms.js';
import {
  keyFloat32,
  keyString,
  keyUint32,
  keyUint32s,
  readGguf,
  type Tensor,
  writeGguf,
} from '../support/gguf.js';

const folder = t.testdir();
const plain = join(folder, 'plain.gguf');
await quantize(defaultModelPath, plain, 'F32');
const { keyValues, tensors } = readGguf(plain);

/** ggml's numbers of types, with their elements and bytes per block. */
const types = {
  f32: [0, 1, 4],
  f16: [1, 1, 2],
  q8_0: [8, 32, 34],
  q8_1: [9, 32, 36],
  i8: [24, 1, 1],
  i32: [26, 1, 4],
  f64: [28, 1, 8],
  bf16: [30, 1, 2],
} as const;

/** A tensor of zeros in another type. */
function retyped({ name, shape }: Tensor, type: keyof typeof types): Tensor {
  const [number, elements, bytes] = types[type];
  const size = (shape.reduce((product, each) => product * each, 1) / elements) * bytes;
  return { name, shape, type: number, data: Buffer.alloc(size) };
}

async function load(changed: readonly Tensor[], keys = keyValues): Promise<Model> {
  const path = join(folder, 'changed.gguf');
  writeGguf(path, keys.values(), [...changed]);
  return Model.load(path);
}

t.test('a tensor of a type that its operation does not compute is refused', async (t) => {
  const kinds = new Set(tensors.map(({ name }) => name.replace(/^blk\.\d+/, 'blk.0')));
  const floats = ['f16', 'bf16'];
  for (const name of kinds) {
    const isVector = /norm/.test(name);
    for (const type of Object.keys(types) as (keyof typeof types)[]) {
      // Vectors have no blocks, and the files have this type already.
      if ((isVector && type.startsWith('q')) || type === 'f32') continue;
      const changed = tensors.map((each) => (each.name === name ? retyped(each, type) : each));
      const result = await load(changed).then(
        (model) => model.close(),
        (error: Error) => error,
      );
      const computes = !isVector && [...floats, 'q8_0'].includes(type);
      if (computes) t.equal(result, undefined, `${name} of type ${type}`);
      else {
        t.match(result, { name: 'ModelLoadError', code: 'MODEL_LOAD' });
        t.match((result as Error).message, new RegExp(`its tensor '${name}' has the type ${type}`));
      }
    }
  }
});

t.test('an epsilon that is no number of at least 0 is refused', async (t) => {
  const key = 'llama.attention.layer_norm_rms_epsilon';
  for (const value of [-1e-6, -1, Number.NaN, -Infinity]) {
    const keys = new Map(keyValues).set(key, keyFloat32(key, value));
    const error = await failure(load(tensors, keys));
    t.match(error, { name: 'ModelLoadError', code: 'MODEL_LOAD' }, `${value} in the file`);
    t.match(error.message, key, 'the key is named');
    if (!Number.isFinite(value)) continue;
    const metadataOverrides = { [key]: value };
    const overridden = await failure(Model.load(defaultModelPath, { metadataOverrides }));
    t.match(overridden, { code: 'MODEL_LOAD', message: key }, `${value} as an override`);
  }
  const zero = await Model.load(defaultModelPath, { metadataOverrides: { [key]: 0 } });
  await zero.close();
});

/** The default model as another architecture, with other keys. */
function renamed(architecture: string, ...others: [key: string, bytes: Buffer][]): Promise<Model> {
  const keys = new Map<string, Buffer>();
  for (const [key, bytes] of keyValues) {
    const name = key.replace(/^llama\./, `${architecture}.`);
    // A key is a length of eight bytes, its text, and what follows.
    const header = Buffer.alloc(8);
    header.writeBigUInt64LE(BigInt(Buffer.byteLength(name)));
    keys.set(name, Buffer.concat([header, Buffer.from(name), bytes.subarray(8 + key.length)]));
  }
  keys.set('general.architecture', keyString('general.architecture', architecture));
  for (const [key, bytes] of others) keys.set(key, bytes);
  return load(tensors, keys);
}

t.test('a rotary embedding of dimensions that do not fit is refused', async (t) => {
  const count = 'gemma.rope.dimension_count';
  const whole = 32;
  for (const [value, computes] of [
    [whole, true],
    [2, true],
    [3, false],
    [whole + 2, false],
    [2 ** 31 - 1, false],
    [2 ** 32 - 4, false],
  ] as const) {
    const loading = renamed('gemma', [count, keyUint32(count, value)]);
    if (computes) await (await loading).close();
    else
      t.match(
        await failure(loading),
        { code: 'MODEL_LOAD', message: `${count} = ${value}` },
        `${value}`,
      );
  }
  const sections = 'qwen2vl.rope.dimension_sections';
  for (const [values, computes] of [
    [[4, 6, 6, 0], true],
    [[8, 12, 12, 1], false],
    [[0, 0, 0, 4], false],
    [[2 ** 31, 2 ** 31, 1, 0], false],
    [[2 ** 32 - 4, 8, 0, 0], false],
  ] as const) {
    const loading = renamed('qwen2vl', [sections, keyUint32s(sections, values)]);
    if (computes) await (await loading).close();
    else
      t.match(
        await failure(loading),
        { code: 'MODEL_LOAD', message: 'rope.dimension_' },
        `${values}`,
      );
  }
});

t.test('a length of embeddings that the model does not output is refused', async (t) => {
  const key = 'llama.embedding_length_out';
  const size = keyValues.get('llama.embedding_length')?.readUInt32LE(34) as number;
  for (const length of [1, size - 1, size + 1, 2 ** 20, 2 ** 31 - 1]) {
    const keys = new Map(keyValues).set(key, keyUint32(key, length));
    const error = await failure(load(tensors, keys));
    t.match(error, { code: 'MODEL_LOAD' }, `${length}`);
    const metadataOverrides = { [key]: BigInt(length) };
    const overridden = await failure(Model.load(defaultModelPath, { metadataOverrides }));
    t.match(overridden, { code: 'MODEL_LOAD' }, `${length} as an override`);
  }
  const model = await load(tensors, new Map(keyValues).set(key, keyUint32(key, size)));
  await model.close();
});

t.test('an id of a special token outside the vocabulary is no override', async (t) => {
  for (const id of [-1n, 1024n, 2n ** 31n, 2n ** 40n]) {
    const metadataOverrides = { 'tokenizer.ggml.bos_token_id': id };
    t.match(await failure(Model.load(defaultModelPath, { metadataOverrides })), {
      name: 'RangeError',
      message: `Expected a token id from 0 to 1023 for metadataOverrides['tokenizer.ggml.bos_token_id'], got ${id}`,
    });
  }
});

t.test('a training context beyond 2 ** 31 leaves a context as long as was requested', async (t) => {
  const key = 'llama.context_length';
  for (const length of [2 ** 31, 2 ** 32 - 1]) {
    const model = await load(tensors, new Map(keyValues).set(key, keyUint32(key, length)));
    t.equal(model.info.trainContextSize, 2 ** 31 - 1);
    await using lm = new LLaMa(model, { ...exact, contextSize: 64 });
    await lm.ready;
    t.equal(lm.contextSize >= 64, true);
    await using other = new LLaMa(model, exact);
    await other.ready;
    t.equal(other.contextSize, 4096, 'and the default is the usual one');
    await Promise.all([lm.close(), other.close()]);
    await model.close();
  }
});
