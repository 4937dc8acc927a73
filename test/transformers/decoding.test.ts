// What TfLM decodes and what it does not: trees in batches, the prefix cache, one forward pass at
// a time. The oracle is the model exported without a past, which decodes everything every time.

import { join } from 'node:path';
import type { Choice } from 'autocog-lm';
import { TfLM, type TfLMLoadOptions } from 'autocog-lm/transformers';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { writeOnnx } from '../../models/write-onnx.mjs';
import { at, promptOf } from '../suite/oracle.js';
import { near } from '../suite/with-lm.js';

const folder = t.testdir();
const path = join(folder, 'model');
writeOnnx(path);
writeOnnx(path, { dtype: 'fp16' });
writeOnnx(path, { dtype: 'q8' });
const withoutPast = join(folder, 'without-past');
for (const dtype of ['fp32', 'fp16', 'q8'] as const) writeOnnx(withoutPast, { dtype, past: false });
const window = 12;
const sliding = join(folder, 'sliding');
writeOnnx(sliding, { window });
const slidingWithoutPast = join(folder, 'sliding-without-past');
writeOnnx(slidingWithoutPast, { window, past: false });
const recurrent = join(folder, 'recurrent');
writeOnnx(recurrent, { recurrent: true });
const recurrentWithoutPast = join(folder, 'recurrent-without-past');
writeOnnx(recurrentWithoutPast, { recurrent: true, past: false });

const prompt = 'The capital of France is';

async function load(t: Test, from: string, options: TfLMLoadOptions = {}): Promise<TfLM> {
  const lm = await TfLM.load(from, { threads: 1, ...options });
  t.teardown(() => lm.close());
  return lm;
}

function sameChoice(t: Test, actual: Choice, expected: Choice, tolerance: number): void {
  for (const [index, { logprobs, endLogprob = 0 }] of actual.choices.entries()) {
    const choice = at(expected.choices, index);
    for (const [position, logprob] of logprobs.entries()) {
      const reference = at(choice.logprobs, position);
      near(t, logprob, reference, tolerance, `choice ${index}, token ${position}`);
    }
    near(t, endLogprob, choice.endLogprob ?? 0, tolerance, `the end of ${index}`);
  }
}

// Above each bound: the largest difference observed.
for (const [dtype, tolerance] of [
  // 0.0000086
  ['fp32', 1e-4],
  // 0.0094
  ['fp16', 5e-2],
  // 0.06
  ['q8', 3e-1],
] as const) {
  t.test(`batched trees have the scores of one token at a time, with ${dtype}`, async (t) => {
    const oracle = await load(t, withoutPast, { dtype });
    const lms = [
      await load(t, path, { dtype }),
      await load(t, path, { dtype, batchRows: 2, cacheTokens: 1 }),
      await load(t, path, { dtype, batchRows: 1, batchSize: 2 }),
    ];
    const path_ = fc.array(fc.integer({ min: 400, max: 403 }), { minLength: 1, maxLength: 6 });
    const property = fc.asyncProperty(
      fc.array(path_, { minLength: 1, maxLength: 12 }),
      fc.constantFrom('x', prompt, `${prompt} Paris. ${prompt}`),
      fc.constantFrom('none', 'eog'),
      fc.boolean(),
      async (paths, text, terminator, details) => {
        const choices = paths.map((list) => Int32Array.from(list));
        const expected = await oracle.choose(text, choices, { terminator, details });
        for (const lm of lms) {
          const actual = await lm.choose(text, choices, { terminator, details });
          sameChoice(t, actual, expected, tolerance);
          const { usage, tree } = actual;
          const inner = terminator === 'eog' ? tree.size : tree.size - tree.childless;
          const { promptTokens, cachedTokens, decodedTokens } = usage;
          t.equal(decodedTokens, promptTokens - cachedTokens + inner, 'each node is decoded once');
        }
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });
}

t.test('a tree takes one forward pass per level, and a chain takes one in total', async (t) => {
  const lm = await load(t, path);
  const choices = [' Paris', ' Paris is', ' London', ' Berlin and Rome'];
  const { tree } = await lm.choose(prompt, choices);
  const { usage } = await lm.choose(prompt, choices);
  t.match(usage, { promptTokens: 8, cachedTokens: 8, decodedTokens: tree.size - tree.childless });
  t.ok(usage.decodeCalls < tree.depth, `${usage.decodeCalls} forwards`);
  const long = ' Paris and London and Berlin and Rome';
  const score = await lm.score(prompt, long);
  t.match(score.usage, { cachedTokens: 8, decodedTokens: score.tokens.length - 1, decodeCalls: 1 });
  const one = await lm.choose(prompt, [' Paris', ' Paris']);
  t.match(one.usage, { cachedTokens: 8, decodedTokens: 1, decodeCalls: 1 });
});

t.test('rows are decoded in batches of no more than batchRows', async (t) => {
  const choices = Array.from({ length: 40 }, (_, index) => Int32Array.of(400 + index, 7));
  const calls = async (batchRows?: number): Promise<number> => {
    const lm = await load(t, path, { batchRows });
    await lm.greedy(prompt);
    return (await lm.choose(prompt, choices)).usage.decodeCalls;
  };
  t.equal(await calls(1), 40);
  t.equal(await calls(15), 3);
  t.equal(await calls(40), 1);
  t.equal(await calls(), 2, 'batches of 32');
});

t.test('a prompt is decoded in batches of no more than batchSize', async (t) => {
  const lm = await load(t, path, { batchSize: 3 });
  const { usage } = await lm.choose(prompt, [' ']);
  t.match(usage, { promptTokens: 8, cachedTokens: 0, decodedTokens: 8, decodeCalls: 3 });
});

t.test('a prompt reuses its common prefix with an earlier one', async (t) => {
  const lm = await load(t, path);
  const [a, b] = [' is blue', ' is green'].map((end) => `${prompt}${end}`) as [string, string];
  const usageOf = async (text: string) => (await lm.choose(text, [' '])).usage;
  const length = async (text: string): Promise<number> => (await promptOf(lm, text)).length;
  t.match(await usageOf(a), { cachedTokens: 0, decodedTokens: await length(a) });
  t.match(await usageOf(a), { cachedTokens: await length(a), decodedTokens: 0, decodeCalls: 0 });
  const shared = (await length(prompt)) + (await lm.tokenize(' is')).length;
  t.match(await usageOf(b), { cachedTokens: shared });
  t.match(await usageOf(a), { cachedTokens: await length(a) }, 'both are cached');
  const short = await usageOf(prompt);
  t.match(
    short,
    { cachedTokens: (await length(prompt)) - 1, decodedTokens: 1 },
    'the last token needs logits',
  );
});

t.test('beyond cacheTokens, the least recently used sequences are evicted', async (t) => {
  const lm = await load(t, path, { cacheTokens: 20 });
  const texts = ['one thing is', 'two things are', 'three things were'];
  const cached = async (text: string) => (await lm.choose(text, [' '])).usage.cachedTokens;
  for (const text of [...texts, ...texts]) await cached(text);
  const last = texts[2] as string;
  t.equal(await cached(last), (await promptOf(lm, last)).length);
  t.ok((await cached(texts[0] as string)) < 3, 'the least recently used one is evicted');
  const long = 'a long text that has more tokens than the cache has room for, all by itself';
  await cached(long);
  t.equal(
    await cached(long),
    (await promptOf(lm, long)).length,
    'a single sequence is cached whole',
  );
});

t.test('generation decodes one token per step', async (t) => {
  const lm = await load(t, path, { batchSize: 100 });
  const options = { maxTokens: 60, stop: '\u0000' };
  const first = await lm.complete(prompt, options);
  const generated = first.tokens.length;
  const isEnded = first.stopReason === 'eog' ? 1 : 0;
  t.ok(generated > 5);
  const decoded = 8 + generated - 1 + isEnded;
  t.match(first.usage, { promptTokens: 8, cachedTokens: 0, decodedTokens: decoded });
  t.equal(first.usage.decodeCalls, generated + isEnded);
  let chunks = 0;
  for await (const { tokens } of lm.stream(prompt, options)) chunks += tokens.length;
  t.equal(chunks, generated);
  const many = await lm.completeMany([prompt, 'The sky is', prompt], options);
  t.same(at(many, 0).tokens, first.tokens);
  t.same(at(many, 2).tokens, first.tokens);
  t.ok(at(many, 2).usage.cachedTokens >= 7);
});

t.test('beam search decodes about one token per beam and step', async (t) => {
  const lm = await load(t, path);
  const { usage } = await lm.beamSearch(prompt, {
    beams: 4,
    maxTokens: 20,
    earlyStopping: 'never',
  });
  t.ok(usage.decodedTokens <= 8 + 4 * 20, `${usage.decodedTokens} tokens`);
  t.equal(usage.decodedTokens, usage.decodeCalls + 7);
});

t.test('sequential paths share nothing but the prompt', async (t) => {
  const lm = await load(t, path);
  const { usage } = await lm.choose(prompt, [' Paris', ' Paris'], { batching: 'sequential' });
  t.equal(usage.decodedTokens, 8 + 2);
});

t.test('a model without a past decodes everything, and reports that', async (t) => {
  const lm = await load(t, withoutPast);
  const { usage, tree } = await lm.choose(prompt, [' Paris', ' London']);
  t.equal(tree.size - tree.childless, 2);
  t.match(usage, { cachedTokens: 0, decodedTokens: 8 + 9 + 9, decodeCalls: 3 });
  const { usage: more } = await lm.complete(prompt, { maxTokens: 3 });
  t.match(more, { cachedTokens: 0, decodedTokens: 8 + 9 + 10, decodeCalls: 3 });
});

t.test('a model with a state that cannot be truncated decodes everything every time', async (t) => {
  const lm = await load(t, recurrent, { batchSize: 2 });
  const oracle = await load(t, recurrentWithoutPast);
  const plain = await load(t, path);
  const choices = [' Paris', ' Paris and London', ' London'];
  for (const text of ['x', prompt, `${prompt} Paris`, prompt]) {
    const actual = await lm.choose(text, choices, { terminator: 'eog' });
    sameChoice(t, actual, await oracle.choose(text, choices, { terminator: 'eog' }), 1e-4);
    t.equal(actual.usage.cachedTokens, 0);
    t.equal(actual.usage.decodeCalls, 1 + actual.tree.size);
    const { tokens } = await lm.complete(text, { maxTokens: 8 });
    t.same(tokens, (await oracle.complete(text, { maxTokens: 8 })).tokens);
  }
  t.notSame(await lm.greedy(prompt), await plain.greedy(prompt), 'the state matters');
});

t.test('a sliding window is detected, and its past is not reused', async (t) => {
  const oracle = await load(t, slidingWithoutPast);
  const whole = await load(t, path);
  const choices = [' Paris', ' Paris and London', ' Paris and Rome', ' London'];
  // Shorter than the window; as long as it, with the choices; longer.
  for (const text of ['x', prompt, `${prompt} Paris. ${prompt}`]) {
    for (const batchSize of [3, 100]) {
      const lm = await load(t, sliding, { batchSize });
      for (const options of [{}, { terminator: 'eog', details: true }] as const) {
        const expected = await oracle.choose(text, choices, options);
        sameChoice(t, await lm.choose(text, choices, options), expected, 1e-4);
      }
      const longer = { maxTokens: 20, stop: '\u0000' };
      t.same(
        (await lm.complete(text, longer)).tokens,
        (await oracle.complete(text, longer)).tokens,
      );
      const logprobs = await lm.greedy(`${text}${text}`);
      for (const [token, logprob] of (await oracle.greedy(`${text}${text}`)).entries()) {
        if (Math.abs(logprob - at(logprobs, token)) > 1e-4) t.fail(`token ${token}`);
      }
    }
  }
  const long = `${prompt} Paris. ${prompt}`;
  const [a, b] = await Promise.all([oracle.greedy(long), whole.greedy(long)]);
  t.notSame(a, b, 'the window matters');
});

t.test('concurrent calls return the same as sequential ones', async (t) => {
  const [lm, alone] = [await load(t, path), await load(t, path)];
  const texts = ['The sky is', prompt, `${prompt} Paris`, 'Q: What is 3 + 4?\nA:', 'The sky was'];
  const calls = texts.flatMap((text) => [
    async (lm: TfLM) => [...(await lm.greedy(text)).slice(0, 50)],
    async (lm: TfLM) => [(await lm.score(text, ' blue and green')).logprob],
    async (lm: TfLM) =>
      (await lm.choose(text, [' blue', ' green', ' Paris'])).choices.map(({ logprob }) => logprob),
    async (lm: TfLM) => [...(await lm.complete(text, { maxTokens: 8 })).logprobs],
    async (lm: TfLM) => [...(await lm.tokenize(text))],
  ]);
  const together = await Promise.all(calls.map((call) => call(lm)));
  for (const [index, call] of calls.entries()) {
    const expected = await call(alone);
    const actual = at(together, index);
    t.equal(actual.length, expected.length);
    for (const [position, value] of actual.entries()) {
      near(t, value, at(expected, position), 1e-4, `call ${index}, value ${position}`);
    }
  }
});

t.test('an abort ends its call between two forward passes, and no other call', async (t) => {
  const lm = await load(t, path, { batchSize: 1 });
  const long = 'one two three four five six seven eight nine ten '.repeat(8);
  const controller = new AbortController();
  const reason = new Error('no more');
  const aborted = [lm.greedy(long, { signal: controller.signal })].concat(
    lm.score(long, ' more', { signal: controller.signal }) as never,
  );
  const other = lm.choose(prompt, [' Paris', ' London']);
  setImmediate(() => setImmediate(() => controller.abort(reason)));
  for (const call of aborted) t.equal(await call.catch((error: unknown) => error), reason);
  t.equal((await other).text, ' Paris');
  const { usage } = await lm.choose(long, [' ']);
  t.ok(usage.cachedTokens < 2, 'the aborted calls cached nothing');
});

t.test(
  'close waits for the current forward pass, rejects other calls, and frees the model',
  async (t) => {
    const lm = await load(t, path, { batchSize: 1 });
    const running = lm.complete(prompt, { maxTokens: 300, stop: '\u0000' });
    const waiting = [lm.greedy('The sky is'), lm.choose(prompt, [' Paris', ' London'])];
    const settled = Promise.allSettled([running, ...waiting]);
    await new Promise((resolve) => setImmediate(resolve));
    await lm.close();
    const outcomes = await settled;
    t.equal(outcomes[0]?.status, 'rejected');
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') t.match(outcome.reason, { code: 'CLOSED' });
    }
    await t.rejects(lm.tokenize('a'), { name: 'ClosedError' });
    await t.rejects(lm.detokenize(Int32Array.of(1)), { name: 'ClosedError' });
    await t.rejects(lm.greedy(Int32Array.of(1)), { name: 'ClosedError' });
  },
);
