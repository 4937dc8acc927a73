// quantize: every weight type by name, and no partial file after any failure.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { defaultModelPath, Model, quantize } from 'autocog-lm';
import t from 'tap';
import {
  floatsOf,
  formsOf,
  keyUint32,
  noise,
  readGguf,
  tensorOf,
  writeGguf,
} from '../support/gguf.js';

/** Bits per weight of the type, and the maximum relative RMS error of quantizing random weights. */
const types: [type: string, bits: number, error: number][] = [
  ['F32', 32, 0],
  ['F16', 16, 5e-4],
  ['BF16', 16, 4e-3],
  ['Q8_0', 8.5, 0.01],
  ['Q6_K', 6.56, 0.03],
  ['Q5_0', 5.5, 0.05],
  ['Q5_1', 6, 0.05],
  ['Q5_K', 5.7, 0.05],
  ['Q5_K_S', 5.5, 0.05],
  ['Q5_K_M', 5.7, 0.05],
  ['Q4_0', 4.5, 0.09],
  ['Q4_1', 5, 0.09],
  ['Q4_K', 4.9, 0.09],
  ['Q4_K_S', 4.6, 0.09],
  ['Q4_K_M', 4.9, 0.09],
  ['Q3_K', 3.9, 0.2],
  ['Q3_K_S', 3.44, 0.2],
  ['Q3_K_M', 3.9, 0.2],
  ['Q3_K_L', 4.2, 0.2],
  ['Q2_K', 3.1, 0.4],
  ['Q2_0', 2.25, 0.7],
  ['Q1_0', 1.125, 0.8],
  ['IQ4_NL', 4.5, 0.1],
  ['IQ4_XS', 4.3, 0.1],
  ['IQ3_M', 3.7, 0.3],
  ['IQ3_S', 3.44, 0.3],
  ['TQ1_0', 1.69, 0.8],
  ['TQ2_0', 2.06, 0.8],
];

const imatrixTypes = 'Q2_K_S IQ3_XS IQ3_XXS IQ2_M IQ2_S IQ2_XS IQ2_XXS IQ1_M IQ1_S'.split(' ');

const { plain } = await formsOf(t, 'F32');
const folder = dirname(plain);
const wide = join(folder, 'wide.gguf');
const checkedWeight = 'blk.2.ffn_gate.weight';

/**
 * Writes a model with rows of 256, a multiple of every type's block size, so that no tensor falls
 * back to another type.
 */
function writeWide(): void {
  const { keyValues, tensors } = readGguf(plain);
  const sizes = { embedding_length: 256, feed_forward_length: 512, 'rope.dimension_count': 64 };
  for (const [name, size] of Object.entries(sizes)) {
    keyValues.set(`llama.${name}`, keyUint32(`llama.${name}`, size));
  }
  const grow = (size: number): number => ({ 128: 256, 192: 512 })[size] ?? size;
  const grown = tensors.map(({ name, shape }, index) => {
    const wider = shape.map(grow);
    const count = wider.reduce((product, size) => product * size, 1);
    return tensorOf(name, wider, noise(count, 0.1, index));
  });
  writeGguf(wide, keyValues.values(), grown);
}

const weightsOf = (path: string): Float32Array => {
  const found = readGguf(path).tensors.find(({ name }) => name === checkedWeight);
  return floatsOf(found as NonNullable<typeof found>);
};

const sumOfSquares = (values: Float32Array): number =>
  values.reduce((sum, value) => sum + value * value, 0);

t.test('every type has weights of its size, close to the source', async (t) => {
  writeWide();
  const source = weightsOf(wide);
  const path = join(folder, 'type.gguf');
  const back = join(folder, 'back.gguf');
  for (const [type, bits, error] of types) {
    await quantize(wide, path, type);
    const model = await Model.load(path);
    const { sizeBytes, parameters } = model.info;
    await model.close();
    // The embeddings have a larger type than the rest.
    const actual = (sizeBytes * 8) / parameters;
    t.ok(actual > bits * 0.95 && actual < bits + 2.5, `${type}: ${actual} bits, expected ${bits}`);
    await quantize(path, back, 'F32');
    const rounded = weightsOf(back);
    const difference = rounded.map((value, index) => value - (source[index] as number));
    const off = Math.sqrt(sumOfSquares(difference) / sumOfSquares(source));
    t.ok(off <= error, `${type}: off by ${off}`);
    if (type !== 'F32') t.ok(off > 0);
  }
  await quantize(wide, path, 'MXFP4_MOE');
  const mixture = await Model.load(path);
  t.match(mixture.info.description, /MXFP4/);
  await mixture.close();
});

t.test('COPY leaves every weight unchanged', async (t) => {
  const path = join(folder, 'copy.gguf');
  await quantize(defaultModelPath, path, 'COPY');
  const [copy, model] = [await Model.load(path), await Model.load(defaultModelPath)];
  t.match(copy.info, { description: model.info.description, sizeBytes: model.info.sizeBytes });
  await quantize(path, join(folder, 'copy-F32.gguf'), 'F32');
  t.strictSame(weightsOf(join(folder, 'copy-F32.gguf')), weightsOf(plain));
  await Promise.all([copy.close(), model.close()]);
});

t.test(
  'a type that needs an importance matrix is rejected before anything is written',
  async (t) => {
    const target = join(folder, 'imatrix.gguf');
    for (const type of imatrixTypes) {
      await t.rejects(
        quantize(defaultModelPath, target, type),
        {
          name: 'NotSupportedError',
          message: `Cannot quantize to ${type}: it needs an importance matrix, which quantize does not take`,
        },
        type,
      );
    }
    const names = [...types.map(([type]) => type), 'MXFP4_MOE', 'COPY'];
    for (const type of ['q8_0', '', 'Q9', 'constructor']) {
      const error = await quantize(defaultModelPath, target, type).catch((error) => error);
      t.match(error, { name: 'RangeError', code: 'OUT_OF_RANGE' });
      const listed = /\((.*)\)/.exec(error.message)?.[1]?.split(', ') as string[];
      t.strictSame([...listed].sort(), [...names].sort(), 'the message lists all types');
    }
    await t.rejects(quantize(defaultModelPath, target, 8 as never), { name: 'TypeError' });
    t.notOk(readdirSync(folder).some((file) => file.startsWith('imatrix')));
  },
);

t.test('a failed run leaves the target unchanged, and no other file', async (t) => {
  const directory = join(folder, 'failed');
  mkdirSync(directory);
  const target = join(directory, 'target.gguf');
  const whole = readFileSync(plain);
  const sources: [string, Buffer][] = [
    ['cut.gguf', whole.subarray(0, whole.length / 2)],
    ['header.gguf', whole.subarray(0, 30_000)],
    ['noise.gguf', Buffer.concat([Buffer.from('GGUF\x03\0\0\0'), whole.subarray(99, 999)])],
  ];
  // A NaN is detected only when its tensor is quantized.
  const broken = readGguf(plain);
  for (const [index, tensor] of broken.tensors.entries()) {
    if (tensor.name !== checkedWeight) continue;
    const values = floatsOf(tensor);
    values[7] = Number.NaN;
    broken.tensors[index] = tensorOf(tensor.name, tensor.shape, values);
  }
  const nan = join(folder, 'nan.gguf');
  writeGguf(nan, broken.keyValues.values(), broken.tensors);
  sources.push(['nan2.gguf', readFileSync(nan)]);
  for (const before of [undefined, 'previous contents']) {
    if (before !== undefined) writeFileSync(target, before);
    for (const [name, bytes] of sources) {
      const source = join(folder, name);
      writeFileSync(source, bytes);
      const refused = { name: 'ModelLoadError', code: 'MODEL_LOAD' };
      await t.rejects(quantize(source, target, 'Q4_0'), refused, name);
    }
    await t.rejects(quantize(join(folder, 'missing.gguf'), target, 'Q8_0'), {
      name: 'ModelLoadError',
    });
    t.strictSame(readdirSync(directory), before === undefined ? [] : ['target.gguf']);
    if (before !== undefined) t.equal(readFileSync(target, 'utf8'), before);
  }
  await quantize(plain, target, 'Q8_0');
  t.strictSame(readdirSync(directory), ['target.gguf'], 'a successful run replaces it');
  const model = await Model.load(target);
  t.match(model.info.description, /Q8_0/);
  await model.close();
});

t.test('tensors whose rows do not divide into blocks are reported', async (t) => {
  const file = readGguf(plain);
  const target = join(folder, 'fallback.gguf');
  t.same(await quantize(plain, target, 'Q8_0'), { fallbacks: [] });
  const { fallbacks } = await quantize(plain, target, 'Q4_K_M');
  // For the embeddings, which are those of the output as well, llama.cpp chooses a type that fits.
  const narrow = file.tensors.filter(
    ({ name, shape }) => /^blk/.test(name) && shape.length === 2 && (shape[0] ?? 0) % 256 > 0,
  );
  t.ok(narrow.length > 0);
  t.same(fallbacks.map(({ tensor }) => tensor).sort(), narrow.map(({ name }) => name).sort());
  for (const { requested, type } of fallbacks) {
    t.match(requested, /^q[456]_K$/);
    t.match(type, /^(q5_0|q5_1|q8_0)$/);
  }
});

t.test('an invalid target is rejected', async (t) => {
  const wrong = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
  await t.rejects(quantize(plain, plain, 'Q8_0'), wrong, 'the source itself');
  const link = join(folder, 'link.gguf');
  symlinkSync(plain, link);
  await t.rejects(quantize(plain, link, 'Q8_0'), wrong, 'a link to the source');
  await t.rejects(quantize(plain, folder, 'Q8_0'), { ...wrong, message: /not a regular file/ });
  await t.rejects(quantize(plain, '/dev/null', 'Q8_0'), {
    ...wrong,
    message: /not a regular file/,
  });
  await t.rejects(quantize(plain, join(folder, 'no', 'where.gguf'), 'Q8_0'), wrong);
  await t.rejects(quantize(plain, '', 'Q8_0'), wrong);
  const locked = join(folder, 'locked');
  mkdirSync(locked);
  chmodSync(locked, 0o500);
  // Root may write anywhere.
  const refused = quantize(plain, join(locked, 'target.gguf'), 'Q8_0');
  if (process.getuid?.() === 0) await refused;
  else await t.rejects(refused, wrong);
  chmodSync(locked, 0o700);
});

t.test('paths may have spaces and letters outside ASCII', async (t) => {
  const directory = join(folder, 'a naïve 模型 😀');
  mkdirSync(directory);
  const source = join(directory, 'ä.gguf');
  copyFileSync(plain, source);
  const target = join(directory, 'ö.gguf');
  await quantize(source, target, 'Q8_0');
  const model = await Model.load(target);
  t.equal(model.info.path, target);
  await model.close();
  t.strictSame(readdirSync(directory).sort(), ['ä.gguf', 'ö.gguf']);
  await t.rejects(quantize(target, target, 'F16'), {
    message: `Expected a target other than the source, got ${target}`,
  });
  const missing = join(directory, 'ü.gguf');
  await t.rejects(Model.load(missing), { message: `Cannot load ${missing}: no such file` });
});

t.test('a link is written through, not replaced', async (t) => {
  const real = join(folder, 'real.gguf');
  const link = join(folder, 'to-real.gguf');
  copyFileSync(plain, real);
  symlinkSync('real.gguf', link);
  await quantize(plain, link, 'Q4_0');
  t.ok(lstatSync(link).isSymbolicLink());
  t.ok(statSync(real).size < statSync(plain).size / 4);
});

t.test('concurrent runs with one target leave one complete file', async (t) => {
  const target = join(folder, 'raced.gguf');
  await Promise.all(['Q8_0', 'Q4_0', 'F16'].map((type) => quantize(plain, target, type)));
  const model = await Model.load(target, { checkTensors: true });
  t.match(model.info.description, /Q8_0|Q4_0|F16/);
  await model.close();
  t.strictSame(
    readdirSync(folder).filter((file) => file.includes('.part-')),
    [],
  );
});

t.test('a full disk is an error, and leaves no file', async (t) => {
  const directory = join(folder, 'full');
  mkdirSync(directory);
  const program = `
    import { quantize } from 'autocog-lm';
    process.on('SIGXFSZ', () => {});
    await quantize(process.argv[1], process.argv[2], 'F32').then(
      () => console.log('it resolved'),
      (error) => console.log(error.name, error.message));`;
  // A file size limit, in blocks of 1024 bytes, fails writes as a full disk does.
  const node = `'${process.execPath}' --input-type=module -e "$0" "$1" "$2"`;
  const script = `ulimit -f 1000 && exec ${node}`;
  const { NODE_OPTIONS: _, ...env } = process.env;
  const target = join(directory, 'target.gguf');
  const { stdout, stderr, status, signal } = spawnSync(
    'bash',
    ['-c', script, program, plain, target],
    {
      encoding: 'utf8',
      env,
    },
  );
  t.match({ stderr, status, signal }, { stderr: '', status: 0, signal: null });
  t.match(stdout, /^LMError Cannot (quantize|write)/);
  t.strictSame(readdirSync(directory), []);
});
