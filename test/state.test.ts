// Saved prompts: the same numbers to the last bit after a load, and no load of anything else.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { defaultModelPath, LLaMa, type LLaMaOptions, Model, quantize } from 'autocog-lm';
import t, { type Test } from 'tap';
import { type Answers, answersOf } from './support/answers.mjs';
import { failure, failures } from './support/failures.js';
import { oneThread } from './support/forms.js';

const prompt = 'Question: what colour is the sky on a clear day in summer?\nAnswer: it is';

/** Weights, and how their cache is kept. */
const forms: [string, string, LLaMaOptions][] = [
  ['F32', 'F32', { kvCacheTypeK: 'f32', kvCacheTypeV: 'f32' }],
  ['F16', 'F16', {}],
  ['Q8_0', 'Q8_0', {}],
  [
    'Q8_0, a cache of Q8_0, flash attention',
    'Q8_0',
    { kvCacheTypeK: 'q8_0', kvCacheTypeV: 'q8_0', flashAttention: true },
  ],
];

/** Saves a prompt's state beside the model and gives what came of it. */
async function saved(t: Test, { type = 'F32', options = {} as LLaMaOptions } = {}) {
  const folder = t.testdir();
  const model = join(folder, 'model.gguf');
  await quantize(defaultModelPath, model, type);
  const state = join(folder, 'prompt.state');
  const settings = { ...oneThread, ...options };
  await using lm = await LLaMa.load(model, settings);
  const { tokens } = await lm.saveState(state, prompt);
  return { folder, model, state, settings, tokens, answers: await answersOf(lm, tokens) };
}

/** Everything that is the same with a cached prompt, however it came to be cached. */
const checkAnswers = (t: Test, found: Answers, wanted: Answers, length: number): void => {
  t.same(found.cached, [length, length, length], 'all of the prompt is cached');
  t.equal(found.decoded, 0, 'and its logits cost nothing');
  for (const what of ['greedy', 'eval', 'logprobs'] as const) {
    t.same(found[what], wanted[what], `${what} is the same to the last bit`);
  }
};

const numbersOf = (bytes: string): Float64Array =>
  new Float64Array(new Uint8Array(Buffer.from(bytes, 'base64')).buffer);

for (const [name, type, options] of forms) {
  t.test(`${name}: a loaded prompt gives what it gave`, async (t) => {
    const { model, state, settings, tokens, answers } = await saved(t, { type, options });
    await using lm = await LLaMa.load(model, settings);
    const loaded = await lm.loadState(state);
    t.same(loaded.tokens, tokens);
    t.equal(loaded.usage.decodedTokens, 0);
    t.equal(loaded.usage.promptTokens, tokens.length);
    checkAnswers(t, await answersOf(lm, tokens), answers, tokens.length);
  });
}

t.test('another process gives the same, too', async (t) => {
  const { model, state, settings, tokens, answers } = await saved(t, { type: 'Q8_0' });
  const args = ['test/fixtures/state.mjs', model, state, JSON.stringify(settings)];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  t.equal(status, 0, stderr);
  const told = JSON.parse(stdout) as Answers & { tokens: number[] };
  t.same(told.tokens, [...tokens]);
  checkAnswers(t, told, answers, tokens.length);
});

t.test('a model is known by what is in it, not by where it lies', async (t) => {
  const { folder, model, state, settings, tokens, answers } = await saved(t);
  const copy = join(folder, 'copy.gguf');
  copyFileSync(model, copy);
  await using lm = await LLaMa.load(copy, settings);
  await lm.loadState(state);
  checkAnswers(t, await answersOf(lm, tokens), answers, tokens.length);
});

t.test('a state goes among other prompts, and leaves them', async (t) => {
  const { model, state, settings, tokens, answers } = await saved(t);
  const others = ['One two three', 'A dog barks', 'The end'];
  const checkOthers = async (when: string) => {
    for (const other of others) {
      const { usage } = await lm.ingest(other);
      t.equal(usage.decodedTokens, 0, `${other} is there ${when}`);
    }
  };
  await using lm = await LLaMa.load(model, settings);
  for (const other of others) await lm.ingest(other);
  await lm.loadState(state);
  await checkOthers('after loading');
  // From the second slot on, a state is saved by way of the first.
  const again = `${state}-again`;
  const { usage } = await lm.saveState(again, tokens);
  t.equal(usage.decodedTokens, 0);
  t.same(readFileSync(again), readFileSync(state), 'the same bytes are saved');
  await checkOthers('after saving');
  // In other cells of the buffer, sums have another order: their last digits are others.
  const found = await answersOf(lm, tokens);
  const off = Math.max(
    ...found.logprobs.flatMap((list, index) => {
      const wanted = numbersOf(answers.logprobs[index] as string);
      return Array.from(numbersOf(list), (value, at) => Math.abs(value - (wanted[at] as number)));
    }),
  );
  t.ok(off < 1e-3, `choices are within ${off}`);
  checkAnswers(t, { ...found, logprobs: answers.logprobs }, answers, tokens.length);
  await using narrow = await LLaMa.load(model, { ...settings, promptSlots: 1, contextSize: 64 });
  await narrow.ingest('One two three');
  await narrow.loadState(state);
  t.equal((await narrow.ingest(tokens)).usage.decodedTokens, 0, 'also where it has to make room');
  await narrow.saveState(again);
  t.same(readFileSync(again), readFileSync(state));
});

t.test('without a prompt, the one that was used last is saved', async (t) => {
  const { state, model, settings } = await saved(t);
  await using lm = await LLaMa.load(model, settings);
  const nothing = { code: 'STATE_NOT_SAVED', message: /No prompt is cached/ };
  t.match(await failure(lm.saveState(`${state}-none`)), nothing);
  t.notOk(existsSync(`${state}-none`));
  await lm.ingest('first of all');
  await lm.ingest('second');
  await lm.ingest('first of all');
  const { tokens, usage } = await lm.saveState(state);
  t.same(tokens, await lm.tokenize('first of all', { addSpecial: true }));
  t.equal(usage.decodedTokens, 0);
  t.same((await lm.loadState(state)).tokens, tokens);
  await lm.clear();
  t.match(await failure(lm.saveState(state)), nothing);
  t.same((await lm.loadState(state)).tokens, tokens, 'what was saved before is whole');
});

t.test('what was written one token at a time is not saved', async (t) => {
  const { state, model, settings } = await saved(t);
  await using lm = await LLaMa.load(model, settings);
  const asked = await lm.tokenize(prompt, { addSpecial: true });
  await lm.complete(asked, { maxTokens: 5 });
  const { tokens } = await lm.saveState(state);
  t.same(tokens, asked, 'the prompt alone');
  const cold = await LLaMa.load(model, settings);
  const wanted = await answersOf(cold, asked);
  await cold.close();
  await using fresh = await LLaMa.load(model, settings);
  await fresh.loadState(state);
  checkAnswers(t, await answersOf(fresh, asked), wanted, asked.length);
});

t.test('saving replaces what was there, and leaves nothing else', async (t) => {
  const { folder, state, model, settings } = await saved(t);
  await using lm = await LLaMa.load(model, settings);
  const texts = ['one', 'one two', 'one two three', 'four', 'five six'];
  await Promise.all(texts.map((text) => lm.saveState(state, text)));
  const { tokens } = await lm.loadState(state);
  t.ok(
    (await Promise.all(texts.map((text) => lm.tokenize(text, { addSpecial: true })))).some(
      (each) => String(each) === String(tokens),
    ),
    'one of them, whole',
  );
  t.same(readdirSync(folder).sort(), ['model.gguf', 'prompt.state', 'prompt.state.json']);
  const sidecar = JSON.parse(readFileSync(`${state}.json`, 'utf8'));
  t.equal(sidecar.format, 'autocog-lm state');
  t.match(sidecar.facts, { 'model.architecture': 'llama', 'context.kvCacheTypeK': 'f16' });
  t.same(sidecar.tokens, [...tokens]);
});

/** Of an error, what is to be as it says here. */
type Wanted = Partial<Record<'name' | 'code' | 'message', string | RegExp>>;

/** Whether a load was refused, and everything is as it was before. */
async function checkRefusal(
  t: Test,
  lm: LLaMa,
  path: string,
  wanted: Wanted,
  what: string,
): Promise<void> {
  const error = await failure(lm.loadState(path));
  const { usage } = await lm.ingest(prompt);
  const { name, code, message } = error;
  const isWanted = Object.entries({ name: 'LMError', code: 'STATE_MISMATCH', ...wanted }).every(
    ([key, value]) => {
      const found = String({ name, code, message }[key as 'name']);
      return typeof value === 'string' ? found === value : value.test(found);
    },
  );
  const isWhole = usage.decodedTokens === 0 && usage.cachedTokens === usage.promptTokens;
  t.ok(isWanted && isWhole, `${what}: ${message}`, { name, code, message, usage });
}

/** Random numbers below a limit, the same each time. */
function randomBelow(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

t.test('any byte that is changed is found', async (t) => {
  const { model, state, settings } = await saved(t);
  await using lm = await LLaMa.load(model, settings);
  await lm.ingest(prompt);
  const random = randomBelow(7);
  for (const path of [state, `${state}.json`]) {
    const whole = readFileSync(path);
    const places = [
      0,
      1,
      whole.length - 1,
      ...Array.from({ length: 120 }, () => random(whole.length)),
    ];
    for (const place of places) {
      const altered = Buffer.from(whole);
      altered[place] = (altered[place] as number) ^ (1 << random(8));
      writeFileSync(path, altered);
      await checkRefusal(t, lm, state, {}, `byte ${place}`);
    }
    writeFileSync(path, whole);
  }
  t.ok((await lm.loadState(state)).tokens.length > 0, 'and unchanged it loads');
});

t.test('files that are cut, longer, empty, swapped or missing are refused', async (t) => {
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
      await checkRefusal(t, lm, state, {}, `cut to ${length}`);
      writeFileSync(path, whole);
    }
    appendFileSync(path, ' ');
    await checkRefusal(t, lm, state, {}, 'one byte longer');
    rmSync(path);
    await checkRefusal(t, lm, state, { message: /cannot be read/ }, 'missing');
    mkdirSync(path);
    await checkRefusal(t, lm, state, { message: /is no file/ }, 'a folder');
    rmSync(path, { recursive: true });
    writeFileSync(path, whole);
  }
  const other = join(folder, 'other.state');
  await lm.saveState(other, `${prompt} blue`);
  await lm.ingest(prompt);
  copyFileSync(`${other}.json`, `${state}.json`);
  await checkRefusal(t, lm, state, {}, 'another state’s sidecar');
  writeFileSync(other, Buffer.alloc(readFileSync(other).length));
  await checkRefusal(t, lm, other, { message: /damaged/ }, 'all zeros');
  const nowhere = join(folder, 'no', 'such', 'folder');
  await checkRefusal(t, lm, nowhere, {}, 'nowhere');
});

type Content = Record<string, unknown>;

/** Changes a sidecar and seals it anew, as somebody would who wants to be believed. */
function forge(path: string, change: (content: Content) => void): void {
  const { seal: _, ...content } = JSON.parse(readFileSync(path, 'utf8')) as Content;
  change(content);
  const seal = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  writeFileSync(path, `${JSON.stringify({ ...content, seal })}\n`);
}

t.test('what is sealed but cannot be is refused, too', async (t) => {
  const { model, state, settings, tokens } = await saved(t);
  await using lm = await LLaMa.load(model, settings);
  await lm.ingest(prompt);
  const sidecar = readFileSync(`${state}.json`);
  const data = readFileSync(state);
  const forgeries: [string, (content: Content) => void, Wanted?][] = [
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
      (content) => Object.assign(content.facts as object, { 'context.adapters': 'some' }),
      { message: /context\.adapters \(some, not undefined\)/ },
    ],
    [
      'more tokens than the context has',
      (content) => Object.assign(content, { tokens: Array(100_000).fill(1) }),
      { name: 'ContextOverflowError', code: 'CONTEXT_OVERFLOW' },
    ],
  ];
  for (const [what, change, wanted = {}] of forgeries) {
    forge(`${state}.json`, change);
    await checkRefusal(t, lm, state, wanted, what);
    writeFileSync(`${state}.json`, sidecar);
  }
  // Data that fits its hash, but is none that llama.cpp has written.
  const forgeData = (change: (bytes: Buffer) => void): void => {
    const bytes = Buffer.from(data);
    change(bytes);
    writeFileSync(state, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    forge(`${state}.json`, (content) => Object.assign(content, { sha256 }));
  };
  // Before each part stands its size.
  const partAt = 8;
  const cellsAt = partAt + 16;
  const layersAt = cellsAt + 12 * tokens.length;
  const changes: [string, (bytes: Buffer) => void][] = [
    ['a part larger than all', (bytes) => bytes.writeBigUInt64LE(2n ** 63n, 0)],
    ['a part of nothing', (bytes) => bytes.writeBigUInt64LE(0n, 0)],
    ['a part a byte short', (bytes) => bytes.writeBigUInt64LE(bytes.readBigUInt64LE(0) - 1n, 0)],
    ['another magic number', (bytes) => bytes.writeUInt32LE(1, partAt)],
    ['two streams', (bytes) => bytes.writeUInt32LE(2, partAt + 8)],
    ['four billion cells', (bytes) => bytes.writeUInt32LE(0xffffffff, partAt + 12)],
    ['a cell less', (bytes) => bytes.writeUInt32LE(tokens.length - 1, partAt + 12)],
    ['a position twice', (bytes) => bytes.writeUInt32LE(0, cellsAt + 12)],
    ['a negative position', (bytes) => bytes.writeInt32LE(-5, cellsAt)],
    ['a cell in many sequences', (bytes) => bytes.writeUInt32LE(1 << 30, cellsAt + 4)],
    ['another arrangement', (bytes) => bytes.writeUInt32LE(0, layersAt)],
    ['a thousand layers', (bytes) => bytes.writeUInt32LE(1000, layersAt + 4)],
    ['another type', (bytes) => bytes.writeInt32LE(8, layersAt + 8)],
    ['longer rows', (bytes) => bytes.writeBigUInt64LE(2n ** 60n, layersAt + 12)],
  ];
  for (const [what, change] of changes) {
    forgeData(change);
    const error = await failure(lm.loadState(state));
    t.match(error, { name: 'LMError', code: 'STATE_MISMATCH' }, what);
    t.equal((await lm.candidates(prompt, 1)).length, 1, 'and the LM works');
  }
  writeFileSync(state, data);
  writeFileSync(`${state}.json`, sidecar);
  t.same((await lm.loadState(state)).tokens, tokens, 'the true one loads');
});

t.test('states of other models are refused', async (t) => {
  const { folder, model, state, settings } = await saved(t);
  const altered = join(folder, 'altered.gguf');
  const random = randomBelow(3);
  const bytes = readFileSync(model);
  const refuse = async (path: string, options: object, message: RegExp) => {
    await using lm = await LLaMa.load(path, { ...settings, ...options });
    await lm.ingest(prompt);
    await checkRefusal(t, lm, state, { message }, path.slice(folder.length));
  };
  for (let round = 0; round < 8; round++) {
    // A single bit of a weight: the last third of the file is certainly such.
    const place = bytes.length - 1 - random(Math.floor(bytes.length / 3));
    const other = Buffer.from(bytes);
    other[place] = (other[place] as number) ^ 1;
    writeFileSync(altered, other);
    await refuse(altered, {}, /differs in model\.fingerprint/);
  }
  const quantized = join(folder, 'quantized.gguf');
  await quantize(model, quantized, 'Q8_0');
  await refuse(quantized, {}, /differs in model\.fingerprint/);
  const metadataOverrides = { 'llama.rope.freq_base': 5000 };
  await refuse(model, { metadataOverrides }, /differs in model\.fingerprint/);
});

t.test('a model file that was replaced while it is loaded is noticed', async (t) => {
  const { folder, model, state, settings } = await saved(t);
  await using lm = await LLaMa.load(model, { ...settings, mmap: false });
  const other = join(folder, 'other.gguf');
  await quantize(model, other, 'F16');
  copyFileSync(other, model);
  await lm.ingest(prompt);
  await checkRefusal(t, lm, state, { message: /changed since it was loaded/ }, 'loading');
  t.match(await failure(lm.saveState(state)), {
    code: 'STATE_NOT_SAVED',
    message: /changed since it was loaded/,
  });
});

t.test('states of other contexts are refused, and say what differs', async (t) => {
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
    await checkRefusal(t, lm, state, { message }, JSON.stringify(options));
  }
  await using small = await LLaMa.load(model, { ...settings, contextSize: 8 });
  t.match(await failure(small.loadState(state)), {
    name: 'ContextOverflowError',
    message: /do not fit|does not fit in the context of 8/,
  });
  t.match(await failure(small.saveState(state, prompt)), { name: 'ContextOverflowError' });
  // What only says how much is computed at a time changes nothing.
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

t.test('wrong arguments, places and times are told', async (t) => {
  const { folder, model, state, settings } = await saved(t);
  const lm = await LLaMa.load(model, settings);
  const call = lm as unknown as Record<
    'saveState' | 'loadState',
    (...args: unknown[]) => Promise<unknown>
  >;
  for (const path of [undefined, 7, '', 'a\0b', null, {}]) {
    t.match(await failure(call.saveState(path)), { name: 'TypeError', code: 'INVALID_ARGUMENT' });
    t.match(await failure(call.loadState(path)), { name: 'TypeError', code: 'INVALID_ARGUMENT' });
  }
  t.match(await failure(call.saveState(state, 7)), { name: 'TypeError' });
  t.match(await failure(call.saveState(state, new Int32Array(0))), { name: 'RangeError' });
  t.match(await failure(call.saveState(state, Int32Array.of(-1))), { name: 'RangeError' });
  t.match(await failure(call.saveState(state, prompt, { atomic: true })), { name: 'TypeError' });
  t.match(await failure(call.loadState(state, { signal: 7 })), { name: 'TypeError' });
  const nowhere = join(folder, 'no', 'such', 'folder');
  t.match(await failure(lm.saveState(nowhere, prompt)), {
    code: 'STATE_NOT_SAVED',
    cause: { code: 'ENOENT' },
  });
  t.match(await failure(lm.saveState(folder, prompt)), { code: 'STATE_NOT_SAVED' });
  t.notOk(existsSync(`${folder}.json`), 'nothing is left beside it');
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  t.equal(await failure(lm.saveState(state, prompt, { signal })), reason);
  t.equal(await failure(lm.loadState(state, { signal })), reason);
  const controller = new AbortController();
  const running = [lm.loadState(state, controller), lm.saveState(state, 'other', controller)];
  const ends = failures(running);
  controller.abort(reason);
  t.same(await ends, [reason, reason]);
  t.ok((await lm.loadState(state)).tokens.length > 0, 'after all of which it works');
  const late = failures([lm.loadState(state), lm.saveState(state, prompt)]);
  await lm.close();
  for (const error of await late) t.match(error, { code: 'CLOSED' });
  t.match(await failure(lm.loadState(state)), { name: 'ClosedError' });
  t.match(await failure(lm.saveState(state)), { name: 'ClosedError' });
});

t.test('a state of many megabytes comes back whole', async (t) => {
  const { state, model } = await saved(t);
  const settings = { ...oneThread, kvCacheTypeK: 'f32', kvCacheTypeV: 'f32' } as const;
  await using loaded = await Model.load(model);
  await using lm = new LLaMa(loaded, { ...settings, contextSize: 2048 });
  const long = Int32Array.from({ length: 1500 }, (_, index) => 1 + ((index * 31) % 400));
  await lm.saveState(state, long);
  t.ok(readFileSync(state).length > 5 * 2 ** 20, 'read and written in several parts');
  const answers = await answersOf(lm, long);
  await using other = new LLaMa(loaded, { ...settings, contextSize: 1600 });
  t.same((await other.loadState(state)).tokens, long);
  checkAnswers(t, await answersOf(other, long), answers, long.length);
});
