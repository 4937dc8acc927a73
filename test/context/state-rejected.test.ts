// States that are damaged, altered, forged, or of another model or context are rejected, and the LM
// is unchanged.

import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { LLaMa, type LLaMaOptions, quantize } from 'autocog-lm';
import t from 'tap';
import { failure } from '../support/failures.js';
import { checkRejected, type ExpectedError, prompt, randomBelow, saved } from './states.js';

t.test('any changed byte is detected', async (t) => {
  const { model, state, settings } = await saved(t);
  await using lm = await LLaMa.load(model, settings);
  await lm.ingest(prompt);
  const random = randomBelow(7);
  for (const path of [state, `${state}.json`]) {
    const whole = readFileSync(path);
    const positions = [
      0,
      1,
      whole.length - 1,
      ...Array.from({ length: 120 }, () => random(whole.length)),
    ];
    for (const position of positions) {
      const altered = Buffer.from(whole);
      altered[position] = (altered[position] as number) ^ (1 << random(8));
      writeFileSync(path, altered);
      await checkRejected(t, lm, state, {}, `byte ${position}`);
    }
    writeFileSync(path, whole);
  }
  t.ok((await lm.loadState(state)).tokens.length > 0, 'the unchanged state loads');
});

t.test('files that are truncated, longer, empty, swapped or missing are rejected', async (t) => {
  const { folder, model, state, settings } = await saved(t);
  await using lm = await LLaMa.load(model, settings);
  await lm.ingest(prompt);
  const random = randomBelow(11);
  for (const path of [state, `${state}.json`]) {
    const whole = readFileSync(path);
    for (const length of [
      0,
      1,
      whole.length - 1,
      ...Array.from({ length: 30 }, () => random(whole.length)),
    ]) {
      truncateSync(path, length);
      await checkRejected(t, lm, state, {}, `truncated to ${length}`);
      writeFileSync(path, whole);
    }
    appendFileSync(path, ' ');
    await checkRejected(t, lm, state, {}, 'one byte longer');
    rmSync(path);
    await checkRejected(t, lm, state, { message: /cannot be read/ }, 'missing');
    mkdirSync(path);
    await checkRejected(t, lm, state, { message: /is not a file/ }, 'a folder');
    rmSync(path, { recursive: true });
    writeFileSync(path, whole);
  }
  const other = join(folder, 'other.state');
  await lm.saveState(other, `${prompt} blue`);
  await lm.ingest(prompt);
  copyFileSync(`${other}.json`, `${state}.json`);
  await checkRejected(t, lm, state, {}, 'another state’s sidecar');
  writeFileSync(other, Buffer.alloc(readFileSync(other).length));
  await checkRejected(t, lm, other, { message: /damaged/ }, 'all zeros');
  const nowhere = join(folder, 'no', 'such', 'folder');
  await checkRejected(t, lm, nowhere, {}, 'nowhere');
});

type Content = Record<string, unknown>;

/** Changes a sidecar and recomputes its seal, as an attacker would. */
function forge(path: string, change: (content: Content) => void): void {
  const { seal: _, ...content } = JSON.parse(readFileSync(path, 'utf8')) as Content;
  change(content);
  const seal = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  writeFileSync(path, `${JSON.stringify({ ...content, seal })}\n`);
}

t.test('invalid contents with a valid seal are rejected', async (t) => {
  const { model, state, settings, tokens } = await saved(t);
  await using lm = await LLaMa.load(model, settings);
  await lm.ingest(prompt);
  const sidecar = readFileSync(`${state}.json`);
  const data = readFileSync(state);
  const forgeries: [string, (content: Content) => void, ExpectedError?][] = [
    ['huge data', (content) => Object.assign(content, { bytes: [2 ** 52, 4] })],
    ['huge cells', (content) => Object.assign(content, { bytes: [2 ** 52, 2048] })],
    ['negative sizes', (content) => Object.assign(content, { bytes: [-1, 4] })],
    ['no sizes', (content) => Object.assign(content, { bytes: [] })],
    ['three parts', (content) => (content.bytes as number[]).push(0)],
    ['a part as large as another', (content) => (content.bytes as number[]).reverse()],
    ['no tokens', (content) => Object.assign(content, { tokens: [] })],
    ['one token less', (content) => (content.tokens as number[]).pop()],
    ['one token more', (content) => (content.tokens as number[]).push(1)],
    ['unknown tokens', (content) => Object.assign(content, { tokens: [2 ** 40] })],
    ['a fractional token', (content) => Object.assign(content, { tokens: [1.5] })],
    ['text for tokens', (content) => Object.assign(content, { tokens: 'text' })],
    ['no facts', (content) => Object.assign(content, { facts: {} })],
    ['null for facts', (content) => Object.assign(content, { facts: null })],
    ['another hash', (content) => Object.assign(content, { sha256: '0'.repeat(64) })],
    [
      'another format',
      (content) => Object.assign(content, { formatVersion: 2 }),
      { message: /format: 2, not 1/ },
    ],
    ['more in it', (content) => Object.assign(content, { more: true })],
    [
      'a fact more',
      (content) => Object.assign(content.facts as object, { 'context.more': 'some' }),
      { message: /context\.more \(some, not undefined\)/ },
    ],
    [
      'more tokens than the context has',
      (content) => Object.assign(content, { tokens: Array(100_000).fill(1) }),
      { name: 'ContextOverflowError', code: 'CONTEXT_OVERFLOW' },
    ],
  ];
  for (const [what, change, expected = {}] of forgeries) {
    forge(`${state}.json`, change);
    await checkRejected(t, lm, state, expected, what);
    writeFileSync(`${state}.json`, sidecar);
  }
  // Data that matches its hash, but was not written by llama.cpp.
  const forgeData = (change: (bytes: Buffer) => void): void => {
    const bytes = Buffer.from(data);
    change(bytes);
    writeFileSync(state, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    forge(`${state}.json`, (content) => Object.assign(content, { sha256 }));
  };
  // Each part is preceded by its size.
  const partOffset = 8;
  const cellsOffset = partOffset + 16;
  const layersOffset = cellsOffset + 12 * tokens.length;
  const changes: [string, (bytes: Buffer) => void][] = [
    ['a part larger than all', (bytes) => bytes.writeBigUInt64LE(2n ** 63n, 0)],
    ['a part of nothing', (bytes) => bytes.writeBigUInt64LE(0n, 0)],
    ['a part a byte short', (bytes) => bytes.writeBigUInt64LE(bytes.readBigUInt64LE(0) - 1n, 0)],
    ['another magic number', (bytes) => bytes.writeUInt32LE(1, partOffset)],
    ['two streams', (bytes) => bytes.writeUInt32LE(2, partOffset + 8)],
    ['four billion cells', (bytes) => bytes.writeUInt32LE(0xffffffff, partOffset + 12)],
    ['a cell less', (bytes) => bytes.writeUInt32LE(tokens.length - 1, partOffset + 12)],
    ['a position twice', (bytes) => bytes.writeUInt32LE(0, cellsOffset + 12)],
    ['a negative position', (bytes) => bytes.writeInt32LE(-5, cellsOffset)],
    ['a cell in many sequences', (bytes) => bytes.writeUInt32LE(1 << 30, cellsOffset + 4)],
    ['another arrangement', (bytes) => bytes.writeUInt32LE(0, layersOffset)],
    ['a thousand layers', (bytes) => bytes.writeUInt32LE(1000, layersOffset + 4)],
    ['another type', (bytes) => bytes.writeInt32LE(8, layersOffset + 8)],
    ['longer rows', (bytes) => bytes.writeBigUInt64LE(2n ** 60n, layersOffset + 12)],
  ];
  // Values that are not finite: a key after the header of the first layer, and a logit at the end.
  const nan = 0x7fff_ffff;
  changes.push([
    'a key that is not a number',
    (bytes) => bytes.writeUInt32LE(nan, layersOffset + 20),
  ]);
  changes.push(['such a logit', (bytes) => bytes.writeUInt32LE(nan, bytes.length - 4)]);
  for (const [what, change] of changes) {
    forgeData(change);
    const error = await failure(lm.loadState(state));
    t.match(error, { name: 'LMError', code: 'STATE_MISMATCH' }, what);
    t.equal((await lm.candidates(prompt, 1)).length, 1, 'and the LM works');
  }
  writeFileSync(state, data);
  writeFileSync(`${state}.json`, sidecar);
  t.same((await lm.loadState(state)).tokens, tokens, 'the original loads');
});

t.test('states of other models are rejected', async (t) => {
  const { folder, model, state, settings } = await saved(t);
  const altered = join(folder, 'altered.gguf');
  const random = randomBelow(3);
  const bytes = readFileSync(model);
  const checkMismatch = async (path: string, options: object, message: RegExp) => {
    await using lm = await LLaMa.load(path, { ...settings, ...options });
    await lm.ingest(prompt);
    await checkRejected(t, lm, state, { message }, path.slice(folder.length));
  };
  for (let round = 0; round < 8; round++) {
    // A single bit of a weight: the last third of the file consists of weights.
    const position = bytes.length - 1 - random(Math.floor(bytes.length / 3));
    const other = Buffer.from(bytes);
    other[position] = (other[position] as number) ^ 1;
    writeFileSync(altered, other);
    await checkMismatch(altered, {}, /differs in model\.fingerprint/);
  }
  const quantized = join(folder, 'quantized.gguf');
  await quantize(model, quantized, 'Q8_0');
  await checkMismatch(quantized, {}, /differs in model\.fingerprint/);
  const metadataOverrides = { 'llama.rope.freq_base': 5000 };
  await checkMismatch(model, { metadataOverrides }, /differs in model\.fingerprint/);
});

t.test('replacing the file of a loaded model is detected', async (t) => {
  const { folder, model, state, settings } = await saved(t);
  await using lm = await LLaMa.load(model, { ...settings, mmap: false });
  const other = join(folder, 'other.gguf');
  await quantize(model, other, 'F16');
  copyFileSync(other, model);
  await lm.ingest(prompt);
  await checkRejected(t, lm, state, { message: /changed since it was loaded/ }, 'loading');
  t.match(await failure(lm.saveState(state)), {
    code: 'STATE_NOT_SAVED',
    message: /changed since it was loaded/,
  });
});

t.test('states of other contexts are rejected, with the differences', async (t) => {
  const { model, state, settings } = await saved(t);
  const others: [LLaMaOptions, RegExp][] = [
    [{ kvCacheTypeK: 'f32' }, /context\.kvCacheTypeK \(f16, not f32\)/],
    [{ kvCacheTypeV: 'f32' }, /context\.kvCacheTypeV \(f16, not f32\)/],
    [{ flashAttention: true }, /context\.flashAttention \(off, not on\)/],
    [{ flashAttention: 'auto' }, /context\.flashAttention \(off, not auto\)/],
    [{ ropeFrequencyBase: 5000 }, /context\.ropeFrequencyBase \(0, not 5000\)/],
    [{ ropeFrequencyScale: 0.5 }, /context\.ropeFrequencyScale \(0, not 0\.5\)/],
  ];
  for (const [options, message] of others) {
    await using lm = await LLaMa.load(model, { ...settings, ...options });
    await lm.ingest(prompt);
    await checkRejected(t, lm, state, { message }, JSON.stringify(options));
  }
  await using small = await LLaMa.load(model, { ...settings, contextSize: 8 });
  t.match(await failure(small.loadState(state)), {
    name: 'ContextOverflowError',
    message: /do not fit|does not fit in the context of 8/,
  });
  t.match(await failure(small.saveState(state, prompt)), { name: 'ContextOverflowError' });
  // Sizes and slots do not affect the contents of the KV cache.
  await using other = await LLaMa.load(model, {
    ...settings,
    contextSize: 100,
    batchSize: 16,
    microBatchSize: 8,
    maxSequences: 8,
    promptSlots: 2,
  });
  const { tokens } = await other.loadState(state);
  const { usage } = await other.ingest(tokens);
  t.equal(usage.decodedTokens, 0);
});
