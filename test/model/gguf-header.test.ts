// readGgufHeader: what it reads, and that no file makes it fail in another way than with a
// ModelLoadError.

import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultModelPath, LLaMa, Model, quantize, readGgufHeader } from 'autocog-lm';
import fc from 'fast-check';
import t from 'tap';

/** Writes headers in either byte order, as the format's description says. */
class Writer {
  readonly #parts: Buffer[] = [];
  readonly #isLittle: boolean;

  constructor(version: number, isLittle: boolean, tensors: number, keys: number) {
    this.#isLittle = isLittle;
    this.raw(Buffer.from('GGUF')).u32(version).u64(tensors).u64(keys);
  }

  raw(bytes: Buffer): this {
    this.#parts.push(bytes);
    return this;
  }

  u32(value: number): this {
    const bytes = Buffer.alloc(4);
    if (this.#isLittle) bytes.writeUInt32LE(value);
    else bytes.writeUInt32BE(value);
    return this.raw(bytes);
  }

  u64(value: number | bigint): this {
    const bytes = Buffer.alloc(8);
    if (this.#isLittle) bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
    else bytes.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)));
    return this.raw(bytes);
  }

  text(value: string): this {
    return this.u64(Buffer.byteLength(value)).raw(Buffer.from(value));
  }

  /** The beginning of a tensor's entry up to its type. */
  tensor(name: string, shape: readonly (number | bigint)[], type: number, offset: number): this {
    this.text(name).u32(shape.length);
    for (const size of shape) this.u64(size);
    return this.u32(type).u64(offset);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

const folder = t.testdir();
let count = 0;
const fileOf = (bytes: Buffer): string => {
  const path = join(folder, `${++count}.gguf`);
  writeFileSync(path, bytes);
  return path;
};
const headerOf = (writer: Writer) => readGgufHeader(fileOf(writer.bytes));

t.test('the header has what the engine reports of the loaded model', async (t) => {
  await using model = await Model.load(defaultModelPath);
  const header = await readGgufHeader(defaultModelPath);
  t.equal(header.path, defaultModelPath);
  t.equal(header.version, 3);
  t.equal(header.byteOrder, 'little');
  t.equal(header.sizeBytes, readFileSync(defaultModelPath).length);
  t.equal(header.parameters, model.info.parameters);
  t.equal(header.weightType, 'F16');
  t.equal(header.metadata['llama.context_length'], model.info.trainContextSize);
  t.same(header.metadata['general.languages'], ['en']);
  t.equal(header.metadata['tokenizer.ggml.add_bos_token'], true);
  const tokens = { omitted: 'list', length: model.vocab.size };
  t.same(header.metadata['tokenizer.ggml.tokens'], tokens, 'the vocabulary is not read');
});

t.test('weight types and sizes are those of the engine', async (t) => {
  const path = join(folder, 'quantized.gguf');
  for (const type of ['F32', 'BF16', 'Q8_0', 'Q5_1', 'Q4_K_M', 'Q6_K', 'IQ4_XS', 'TQ2_0', 'Q2_0']) {
    await quantize(defaultModelPath, path, type);
    const header = await readGgufHeader(path);
    t.equal(header.weightType, type);
    t.equal(header.parameters, 689_280, type);
    // The last tensor ends within the alignment from the end of the file.
    truncateSync(path, header.sizeBytes - 32);
    await t.rejects(readGgufHeader(path), {
      code: 'MODEL_LOAD',
      message: /ends before its tensor/,
    });
  }
});

for (const version of [2, 3]) {
  for (const isLittle of [true, false]) {
    t.test(`version ${version}, ${isLittle ? 'little' : 'big'}-endian`, async (t) => {
      const writer = new Writer(version, isLittle, 1, 10)
        .text('text')
        .u32(8)
        .text('größer')
        .text('u32')
        .u32(4)
        .u32(4_000_000_000)
        .text('i32')
        .u32(5)
        .u32(2 ** 32 - 7)
        .text('u64')
        .u32(10)
        .u64(2n ** 64n - 1n)
        .text('i64')
        .u32(11)
        .u64(-3)
        .text('bool')
        .u32(7)
        .raw(Buffer.of(1))
        .text('list')
        .u32(9)
        .u32(4)
        .u64(2)
        .u32(1)
        .u32(2)
        .text('texts')
        .u32(9)
        .u32(8)
        .u64(2)
        .text('a')
        .text('')
        .text('long')
        .u32(9)
        .u32(0)
        .u64(100_000)
        .raw(Buffer.alloc(100_000))
        .text('vocabulary')
        .u32(9)
        .u32(8)
        .u64(300_000);
      for (let token = 0; token < 300_000; token++) writer.text(`token${token % 7}`);
      writer.tensor('w', [2, 3], 0, 0).raw(Buffer.alloc(32 + 24));
      const header = await headerOf(writer);
      t.same(header.metadata, {
        text: 'größer',
        u32: 4_000_000_000,
        i32: -7,
        u64: 2n ** 64n - 1n,
        i64: -3,
        bool: true,
        list: [1, 2],
        texts: ['a', ''],
        long: { omitted: 'list', length: 100_000 },
        vocabulary: { omitted: 'list', length: 300_000 },
      });
      t.equal(header.byteOrder, isLittle ? 'little' : 'big');
      t.equal(header.version, version);
      t.equal(header.parameters, 6);
      t.equal(header.weightType, 'F32');
    });
  }
}

t.test('a key named __proto__ is a key like any other', async (t) => {
  const header = await headerOf(new Writer(3, true, 0, 1).text('__proto__').u32(8).text('x'));
  t.same(Object.entries(header.metadata), [['__proto__', 'x']]);
  t.equal(header.weightType, undefined);
});

const absurd = 2n ** 63n;
const key = (keys = 1) => new Writer(3, true, 0, keys);
const malformed: Record<string, Buffer> = {
  'an empty file': Buffer.alloc(0),
  'three bytes': Buffer.from('GGU'),
  'another format': Buffer.from('PK\x03\x04 and more'),
  'version 1': new Writer(1, true, 0, 0).bytes,
  'version 4': new Writer(4, true, 0, 0).bytes,
  'version 0': new Writer(0, true, 0, 0).bytes,
  'a huge count of keys': Buffer.concat([Buffer.from('GGUF'), key(2 ** 40).bytes.subarray(4)]),
  'more keys than bytes': key(1000).bytes,
  'a key of absurd length': key().u64(absurd).raw(Buffer.alloc(64)).bytes,
  'an empty key': key().text('').u32(4).u32(1).bytes,
  'a text of absurd length': key().text('a').u32(8).u64(absurd).raw(Buffer.alloc(64)).bytes,
  'a list of absurd length': key().text('a').u32(9).u32(0).u64(absurd).raw(Buffer.alloc(64)).bytes,
  'texts of absurd count': key().text('a').u32(9).u32(8).u64(absurd).raw(Buffer.alloc(64)).bytes,
  'a long list of a text too long': key()
    .text('a')
    .u32(9)
    .u32(8)
    .u64(100)
    .u64(absurd)
    .raw(Buffer.alloc(2000)).bytes,
  'an unknown type': key().text('a').u32(13).u64(0).bytes,
  'a list of lists': key().text('a').u32(9).u32(9).u64(1).raw(Buffer.alloc(64)).bytes,
  'a key twice': key(2).text('a').u32(4).u32(1).text('a').u32(4).u32(1).bytes,
  'an alignment of 3': key().text('general.alignment').u32(4).u32(3).bytes,
  'an alignment of a text': key().text('general.alignment').u32(8).text('x').bytes,
  'a tensor of five dimensions': new Writer(3, true, 1, 0).tensor('w', [1, 1, 1, 1, 1], 0, 0).bytes,
  'a tensor of absurd size': new Writer(3, true, 1, 0).tensor('w', [absurd, absurd], 0, 0).bytes,
  'a tensor of an unknown type': new Writer(3, true, 1, 0).tensor('w', [1], 99, 0).bytes,
  'a row of half a block': new Writer(3, true, 1, 0).tensor('w', [16], 8, 0).bytes,
  'a tensor beyond the end': new Writer(3, true, 1, 0).tensor('w', [1], 0, 2 ** 40).bytes,
  'a tensor twice': new Writer(3, true, 2, 0).tensor('w', [0], 0, 0).tensor('w', [0], 0, 0).bytes,
  'a tensor with a long name': new Writer(3, true, 1, 0).tensor('w'.repeat(64), [0], 0, 0).bytes,
};

for (const [what, bytes] of Object.entries(malformed)) {
  t.test(`${what} is a ModelLoadError`, async (t) => {
    await t.rejects(readGgufHeader(fileOf(bytes)), {
      name: 'ModelLoadError',
      message: /^Cannot read .*\.gguf: /,
    });
  });
}

t.test('a long text is described, not read', async (t) => {
  const long = 'x'.repeat(2 ** 20 + 1);
  const header = await headerOf(key(2).text('a').u32(8).text(long).text('b').u32(4).u32(5));
  t.same(header.metadata, { a: { omitted: 'text', length: long.length }, b: 5 });
});

t.test('what is not a file is a ModelLoadError, without waiting', async (t) => {
  const pipe = join(folder, 'pipe.gguf');
  execFileSync('mkfifo', [pipe]);
  await t.rejects(readGgufHeader(pipe), { message: /it is not a file/ });
  await t.rejects(readGgufHeader(folder), { message: /it is not a file/ });
  await t.rejects(readGgufHeader(join(folder, 'missing.gguf')), { message: /no such file/ });
});

t.test('wrong arguments are a TypeError', async (t) => {
  await t.rejects(readGgufHeader(1 as never), TypeError);
  await t.rejects(readGgufHeader(''), TypeError);
  await t.rejects(readGgufHeader('x\0'), TypeError);
  await t.rejects(readGgufHeader('x', { signl: 1 } as never), TypeError);
});

t.test('an aborted call rejects with the reason', async (t) => {
  const reason = new Error('enough');
  const options = { signal: AbortSignal.abort(reason) };
  await t.rejects(readGgufHeader(defaultModelPath, options), reason);
});

const head = readFileSync(defaultModelPath).subarray(0, 60_000);

t.test('a file cut anywhere is a ModelLoadError', async (t) => {
  for (let length = 0; length < 1200; length += 7) {
    await t.rejects(readGgufHeader(fileOf(head.subarray(0, length))), { code: 'MODEL_LOAD' });
  }
});

t.test('damaged bytes give a header or a ModelLoadError', async () => {
  const damage = fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { minLength: 1, maxLength: 8 });
  const path = join(folder, 'damaged.gguf');
  const whole = readFileSync(defaultModelPath);
  const property = fc.asyncProperty(damage, async (changes) => {
    const bytes = Buffer.from(whole.subarray(0, 100_000));
    for (const [at, value] of changes) bytes[at] = value;
    writeFileSync(path, bytes);
    const error = await readGgufHeader(path).then(
      () => undefined,
      (reason: { code?: string }) => reason,
    );
    return error === undefined || error.code === 'MODEL_LOAD';
  });
  await fc.assert(property, { numRuns: 300, seed: 7 });
});

t.test('the header of a file in use can be read', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, { threads: 1 });
  const [, header] = await Promise.all([
    lm.complete('The sky is', { maxTokens: 4 }),
    readGgufHeader(defaultModelPath),
  ]);
  t.equal(header.tensors, 38);
});
