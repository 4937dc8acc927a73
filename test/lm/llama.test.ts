// LLaMa: the shared suite on llama.cpp, and features that only a native LM has.

import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join as joinPath } from 'node:path';
import { defaultModelPath, getBackends, LLaMa, Model, quantize } from 'autocog-lm';
import t from 'tap';
import { lmSuite } from '../suite/lm-suite.js';
import { at, join, promptOf, stepsOf } from '../suite/oracle.js';
import { near, testWith } from '../suite/with-lm.js';
import { StepwiseLM } from '../support/stepwise-lm.js';

const folder = t.testdir();
const path = joinPath(folder, 'F32.gguf');
await quantize(defaultModelPath, path, 'F32');
const prompt = 'The capital of France is';
const choices = [' Paris', ' London', ' Berlin'] as const;
const tolerance = 1e-4;
const options = { kvCacheTypeK: 'f32', kvCacheTypeV: 'f32', contextSize: 256, threads: 1 } as const;

const model = await Model.load(path);
t.teardown(() => model.close());
const make = (): LLaMa => new LLaMa(model, options);

lmSuite(t, { make, prompt, choices: [...choices], tolerance });

// The maximum change of a token's log-probability with earlier calls: the bounds of
// quantized.test.ts, where they are measured.
for (const [type, bound] of [
  ['F16', 2e-2],
  ['Q8_0', 6e-1],
] as const) {
  t.test(`with ${type} weights`, async (t) => {
    const file = joinPath(folder, `${type}.gguf`);
    await quantize(path, file, type);
    const other = await Model.load(file);
    t.teardown(() => other.close());
    const make = () => new LLaMa(other, options);
    lmSuite(t, { make, prompt, choices: [...choices], tolerance: bound });
  });
}

testWith(t, make, 'native and TypeScript results are the same', async (t, lm) => {
  const stepwise = new StepwiseLM(lm);
  const texts = [...choices, ' Par', ' Paris is', ' Paris'];
  for (const options of [
    {},
    { terminator: 'eog' },
    { terminator: '.' },
    { boundary: 'joint' },
  ] as const) {
    const native = await lm.choose(prompt, texts, options);
    const slow = await stepwise.choose(prompt, texts, options);
    t.same(native.boundary, slow.boundary);
    t.equal(native.index, slow.index);
    const [nodes, slowNodes] = [native.tree.nodes(), slow.tree.nodes()];
    for (const [index, { logprob = 0, end = 0, ...shape }] of nodes.entries()) {
      const { logprob: slowLogprob = 0, end: slowEnd = 0 } = at(slowNodes, index);
      near(t, logprob, slowLogprob, tolerance, `node ${index}`);
      near(t, end, slowEnd, tolerance, `end of node ${index}`);
      t.match(at(slowNodes, index), { token: shape.token, text: shape.text, parent: shape.parent });
    }
  }
  const completion = await lm.complete(prompt, { maxTokens: 8 });
  const slow = await stepwise.complete(prompt, { maxTokens: 8 });
  t.match(completion, { text: slow.text, tokens: slow.tokens, stopReason: slow.stopReason });
  t.same(
    (await lm.candidates(prompt, 5)).map(({ token, text }) => [token, text]),
    (await stepwise.candidates(prompt, 5)).map(({ token, text }) => [token, text]),
  );
});

testWith(t, make, 'a tree costs its inner nodes once the prompt is cached', async (t, lm) => {
  const texts = [' Paris', ' London is a city', ' Berlin, Germany', ' Lon'];
  await lm.ingest(prompt);
  const { tree, usage } = await lm.choose(prompt, texts);
  t.match(usage, {
    cachedTokens: usage.promptTokens,
    decodedTokens: tree.size - tree.childless,
  });
  const ended = await lm.choose(prompt, texts, { terminator: 'eog' });
  t.equal(ended.usage.decodedTokens, tree.size, 'with an end token, every node');
});

testWith(t, make, 'eval returns the raw logits that greedy is computed from', async (t, lm) => {
  const size = model.vocab.size;
  const tokens = await promptOf(lm, prompt);
  const all = await lm.eval(prompt, { logits: 'all' });
  t.equal(all.rows, tokens.length);
  t.equal(all.logits.length, tokens.length * size);
  const last = await lm.eval(tokens);
  t.equal(last.rows, 1);
  const greedy = await lm.greedy(prompt);
  const offset = at(last.logits, 0) - at(greedy, 0);
  for (let token = 0; token < size; token++) {
    const logit = at(last.logits, token);
    if (Math.abs(logit - offset - at(greedy, token)) > 1e-4) t.fail(`token ${token}`);
    if (Math.abs(logit - at(all.logits, (tokens.length - 1) * size + token)) > 1e-3) {
      t.fail(`the last of all rows differs at ${token}`);
    }
  }
  const into = new Float32Array(2 * size + 1);
  const two = await lm.eval(prompt, { logits: [0, 2], into });
  t.equal(two.logits.buffer, into.buffer);
  t.equal(two.logits.length, 2 * size);
  near(t, at(two.logits, size), at(all.logits, 2 * size), 1e-3, 'the second row is of position 2');
  const refused = { name: 'RangeError' };
  await t.rejects(lm.eval(prompt, { into: new Float32Array(size - 1) }), refused);
  await t.rejects(lm.eval(prompt, { logits: [tokens.length] }), refused);
});

testWith(
  t,
  make,
  'a prompt that is just too long is rejected, and one that fits is not',
  async (t, lm) => {
    const size = lm.contextSize;
    const full = new Int32Array(size).fill(65);
    const error = { name: 'ContextOverflowError', code: 'CONTEXT_OVERFLOW' };
    const long = join(full, [65]);
    const calls = [lm.greedy(long), lm.complete(long), lm.eval(long), lm.ingest(long)];
    await Promise.all((calls as Promise<unknown>[]).map((call) => t.rejects(call, error)));
    t.equal(
      (await lm.choose(full, [Int32Array.of(66)])).choices.length,
      1,
      'the last token is not decoded',
    );
    const message = new RegExp(`prompt of ${size} .*choice of 2 .*context of ${size}`);
    await t.rejects(lm.choose(full, [Int32Array.of(66, 67)]), { ...error, message });
    await t.rejects(lm.choose(full, [Int32Array.of(66)], { terminator: 'eog' }), error);
    const { tokens } = await lm.complete(full.subarray(1), { maxTokens: 2 });
    t.equal(tokens.length, 2, 'nothing is decoded after the last token');
  },
);

testWith(t, make, 'overlapping calls return what they return alone', async (t, lm) => {
  const prompts = ['The sky is', 'A lemon is', 'The cow says', prompt];
  const alone: number[][] = [];
  for (const text of prompts) {
    alone.push((await lm.choose(text, choices)).choices.map(({ logprob }) => logprob));
  }
  const together = await Promise.all(prompts.map((text) => lm.choose(text, choices)));
  for (const [index, choice] of together.entries()) {
    for (const { index: which, logprob } of choice.choices) {
      near(t, logprob, at(at(alone, index), which), tolerance, `prompt ${index}`);
    }
  }
});

testWith(t, make, 'clear empties the prefix cache and changes no result', async (t, lm) => {
  const before = await lm.choose(prompt, choices);
  await lm.clear();
  const after = await lm.choose(prompt, choices);
  t.equal(after.usage.cachedTokens, 0);
  for (const { index, logprob } of after.choices) {
    near(t, logprob, at(before.choices, index).logprob, tolerance, `choice ${index}`);
  }
});

testWith(t, make, 'with shares the context and sets other defaults of complete', async (t, lm) => {
  const terse = lm.with({ completion: { maxTokens: 2 } });
  const { text } = await terse.complete(prompt);
  t.ok((await terse.complete(prompt)).tokens.length <= 2);
  t.equal((await lm.complete(prompt, { maxTokens: 2 })).text, text);
  t.ok((await terse.complete(prompt)).usage.cachedTokens > 0, 'the prompt was cached by the other');
  const cut = terse.with({ completion: { stop: text.slice(-1) } });
  t.match(await cut.complete(prompt), { stopReason: 'stop' });
  const other = terse.with({ completion: { stop: '\u0000' } });
  t.ok((await other.complete(prompt)).tokens.length <= 2, 'omitted options are kept');
  t.throws(() => lm.with({ temperature: 1 } as never), { name: 'TypeError' });
  await terse.close();
  t.equal(lm.closed, true, 'they share one engine');
});

t.test('close cancels running calls and waits for them', async (t) => {
  const lm = make();
  await lm.ready;
  const running = lm.complete(prompt, { maxTokens: 200, stop: '\u0000' });
  const waiting = lm.greedy(prompt);
  const settled = Promise.allSettled([running, waiting]);
  await new Promise((resolve) => setImmediate(resolve));
  await lm.close();
  for (const outcome of await settled) {
    if (outcome.status === 'rejected') t.match(outcome.reason, { code: 'CLOSED' });
  }
});

t.test('a model may be closed before the LM that uses it', async (t) => {
  const file = joinPath(folder, 'own.gguf');
  copyFileSync(path, file);
  const isMapped = () => readFileSync('/proc/self/maps', 'utf8').includes(file);
  const own = await Model.load(file);
  const lm = new LLaMa(own, options);
  await own.close();
  t.throws(() => own.tokenizeSync('a'), { name: 'ClosedError', code: 'CLOSED' });
  t.equal((await lm.choose(prompt, choices)).choices.length, 3);
  if (process.platform === 'linux') t.ok(isMapped());
  await lm.close();
  if (process.platform === 'linux') t.notOk(isMapped(), 'the model is freed with the LM');
  const late = new LLaMa(own, options);
  await t.rejects(late.ready, { name: 'ClosedError' });
  await t.rejects(late.greedy(prompt), { name: 'ClosedError' });
  await late.close();
});

t.test('a context that cannot be built rejects ready and every call with one error', async (t) => {
  const vocabulary = await Model.load(path, { vocabOnly: true });
  const lm = new LLaMa(vocabulary, options);
  const outcomes = await Promise.allSettled([lm.ready, lm.greedy(prompt), lm.tokenize('a')]);
  const reasons = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason);
  t.ok(reasons[0] instanceof Error);
  t.equal(reasons[1], reasons[0]);
  t.equal(reasons[2], reasons[0]);
  const ignored = new LLaMa(vocabulary, options);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await Promise.all([lm.close(), ignored.close(), vocabulary.close()]);
  t.throws(() => new LLaMa({} as never), { name: 'TypeError' });
  t.throws(() => new LLaMa(model, { n_ctx: 512 } as never), { name: 'TypeError' });
});

t.test('load owns its model', async (t) => {
  const lm = await LLaMa.load(path, { ...options, mmap: false, completion: { maxTokens: 1 } });
  t.equal((await lm.complete(prompt)).tokens.length, 1);
  await lm.close();
  t.equal(lm.model.closed, true);
  await t.rejects(LLaMa.load(path, { batchSize: 1 }), { name: 'RangeError' });
  await t.rejects(LLaMa.load(path, { gpu: true } as never), { name: 'TypeError' });
});

t.test('a file that is not a model is rejected with a reason', async (t) => {
  await t.rejects(Model.load('no/such/file.gguf'), { name: 'ModelLoadError', code: 'MODEL_LOAD' });
  await t.rejects(Model.load('package.json'), { name: 'ModelLoadError' });
  await t.rejects(Model.load(3 as never), { name: 'TypeError' });
  const error = await Model.load('no/such/file.gguf').catch((error: Error) => error);
  t.match((error as Error).stack, /llama\.test/, 'its stack leads to the caller');
});

t.test(
  'loading reports progress and stops at an abort or an exception in onProgress',
  async (t) => {
    const seen: number[] = [];
    await (await Model.load(path, { onProgress: (fraction) => seen.push(fraction) })).close();
    t.equal(seen.at(-1), 1);
    t.same(
      seen,
      seen.slice().sort((a, b) => a - b),
    );
    const reason = new Error('enough');
    const onProgress = (): void => {
      throw reason;
    };
    t.equal(await Model.load(path, { onProgress }).catch((error: unknown) => error), reason);
    const controller = new AbortController();
    const loading = Model.load(path, { signal: controller.signal });
    controller.abort(reason);
    t.equal(await loading.catch((error: unknown) => error), reason);
    await t.rejects(Model.load(path, { signal: AbortSignal.abort(reason) }), reason);
  },
);

t.test('a model reports its info, vocabulary and metadata', async (t) => {
  const { info, vocab, metadata } = model;
  t.equal(info.path, path);
  t.ok(info.parameters > 0 && info.trainContextSize > 0 && info.layers > 0);
  t.equal(metadata['general.architecture'], info.architecture);
  t.notOk(Object.values(vocab).includes(-1 as never), 'a missing token is undefined');
  const tokens = model.tokenizeSync('Hello, world');
  t.same(await model.tokenize('Hello, world'), tokens);
  t.equal(model.detokenizeSync(tokens), 'Hello, world');
  t.equal(await model.detokenize(tokens), 'Hello, world');
  const bytes = Buffer.concat([...tokens].map((token) => model.tokenBytes(token)));
  t.equal(bytes.toString(), 'Hello, world');
  t.throws(() => model.tokenBytes(vocab.size), { name: 'RangeError' });
  t.throws(() => model.tokenizeSync('a', { special: true } as never), { name: 'TypeError' });
  t.throws(() => model.detokenizeSync([1] as never), { name: 'TypeError' });
  if (vocab.bos !== undefined && vocab.addBos) {
    t.equal(model.tokenizeSync('a', { addSpecial: true })[0], vocab.bos);
  }
});

t.test('getBackends reports what the engine detected', async (t) => {
  const { llamaVersion, systemInfo, devices, modules, kernels, addon } = getBackends();
  t.match(llamaVersion, /^\d+\.\d+/);
  t.match(systemInfo, 'CPU');
  const files = readdirSync(dirname(addon.path)).flatMap((file) => {
    const [, name] = /^(?:lib)?ggml-(?!cpu)([^.]+)\.(?:so|dll)$/.exec(file) ?? [];
    return name ?? [];
  });
  t.same(
    modules.map(({ name }) => name),
    files.sort(),
  );
  for (const { loaded, error } of modules) t.equal(loaded, error === undefined);
  t.ok(devices.some(({ type }) => type === 'cpu'));
  t.equal(kernels.includes('Q8_0'), /AVX512_VNNI = 1/.test(systemInfo));
  const program = "import('autocog-lm').then((m) => console.log(m.getBackends().kernels.length))";
  const env = { ...process.env, AUTOCOG_KERNELS: '0' };
  const without = execFileSync(process.execPath, ['-e', program], { env, encoding: 'utf8' });
  t.equal(without.trim(), '0');
});

testWith(t, make, 'a tree of thousands of choices works on a small context', async (t, lm) => {
  const letters = await lm.tokenize('abcdefghijklmnop');
  const paths = [...letters].flatMap((a) =>
    [...letters].flatMap((b) => [...letters].map((c) => Int32Array.of(a, b, c))),
  );
  const choice = await lm.choose(prompt, paths.slice(0, 2048));
  const tokens = await promptOf(lm, prompt);
  for (const index of [0, 1023, 2047]) {
    const scored = at(choice.choices, index);
    const steps = await stepsOf(lm, tokens, scored.tokens);
    for (const [depth, step] of steps.entries()) {
      near(t, at(scored.logprobs, depth), step, tolerance, `choice ${index}, token ${depth}`);
    }
  }
});
