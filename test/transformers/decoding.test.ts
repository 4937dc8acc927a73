// What TfLM decodes and what it does not: trees in batches, the prefix cache, one forward at a
// time. A model that keeps no past decodes everything anew: it is the oracle.

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
const forgetful = join(folder, 'forgetful');
for (const dtype of ['fp32', 'fp16', 'q8'] as const) writeOnnx(forgetful, { dtype, past: false });
const window = 12;
const sliding = join(folder, 'sliding');
writeOnnx(sliding, { window });
const slidingForgetful = join(folder, 'sliding-forgetful');
writeOnnx(slidingForgetful, { window, past: false });
const recurrent = join(folder, 'recurrent');
writeOnnx(recurrent, { recurrent: true });
const recurrentForgetful = join(folder, 'recurrent-forgetful');
writeOnnx(recurrentForgetful, { recurrent: true, past: false });

const prompt = 'The capital of France is';

async function load(t: Test, from: string, options: TfLMLoadOptions = {}): Promise<TfLM> {
  const lm = await TfLM.load(from, { threads: 1, ...options });
  t.teardown(() => lm.close());
  return lm;
}

function sameChoice(t: Test, found: Choice, wanted: Choice, tolerance: number): void {
  for (const [index, { logprobs, endLogprob = 0 }] of found.choices.entries()) {
    const own = at(wanted.choices, index);
    for (const [place, logprob] of logprobs.entries()) {
      near(t, logprob, at(own.logprobs, place), tolerance, `choice ${index}, token ${place}`);
    }
    near(t, endLogprob, own.endLogprob ?? 0, tolerance, `the end of ${index}`);
  }
}

// Above each bound the largest that was seen.
for (const [dtype, tolerance] of [
  // 0.0000086
  ['fp32', 1e-4],
  // 0.0094
  ['fp16', 5e-2],
  // 0.06
  ['q8', 3e-1],
] as const) {
  t.test(`any tree in batches is the tree one token at a time, with ${dtype}`, async (t) => {
    const oracle = await load(t, forgetful, { dtype });
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
        const wanted = await oracle.choose(text, choices, { terminator, details });
        for (const lm of lms) {
          const found = await lm.choose(text, choices, { terminator, details });
          sameChoice(t, found, wanted, tolerance);
          const { usage, tree } = found;
          const inner = terminator === 'eog' ? tree.size : tree.size - tree.childless;
          const { promptTokens, cachedTokens, decodedTokens } = usage;
          t.equal(decodedTokens, promptTokens - cachedTokens + inner, 'each node once');
        }
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });
}

t.test('a tree costs one forward per level, and a chain one in all', async (t) => {
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
  t.equal(await calls(), 2, 'of 32');
});

t.test('a prompt is decoded in pieces of no more than batchSize', async (t) => {
  const lm = await load(t, path, { batchSize: 3 });
  const { usage } = await lm.choose(prompt, [' ']);
  t.match(usage, { promptTokens: 8, cachedTokens: 0, decodedTokens: 8, decodeCalls: 3 });
});

t.test('what begins like a prompt before it goes on from there', async (t) => {
  const lm = await load(t, path);
  const [a, b] = [' is blue', ' is green'].map((end) => `${prompt}${end}`) as [string, string];
  const usageOf = async (text: string) => (await lm.choose(text, [' '])).usage;
  const length = async (text: string): Promise<number> => (await promptOf(lm, text)).length;
  t.match(await usageOf(a), { cachedTokens: 0, decodedTokens: await length(a) });
  t.match(await usageOf(a), { cachedTokens: await length(a), decodedTokens: 0, decodeCalls: 0 });
  const shared = (await length(prompt)) + (await lm.tokenize(' is')).length;
  t.match(await usageOf(b), { cachedTokens: shared });
  t.match(await usageOf(a), { cachedTokens: await length(a) }, 'both are kept');
  const short = await usageOf(prompt);
  t.match(short, { cachedTokens: (await length(prompt)) - 1, decodedTokens: 1 }, 'one is needed');
});

t.test('of more than cacheTokens, the sequences used last are kept', async (t) => {
  const lm = await load(t, path, { cacheTokens: 20 });
  const texts = ['one thing is', 'two things are', 'three things were'];
  const cached = async (text: string) => (await lm.choose(text, [' '])).usage.cachedTokens;
  for (const text of [...texts, ...texts]) await cached(text);
  const last = texts[2] as string;
  t.equal(await cached(last), (await promptOf(lm, last)).length);
  t.ok((await cached(texts[0] as string)) < 3, 'that used longest ago is gone');
  const long = 'a long text that has more tokens than the cache has room for, all by itself';
  await cached(long);
  t.equal(await cached(long), (await promptOf(lm, long)).length, 'one alone is kept whole');
});

t.test('writing on costs one token a step', async (t) => {
  const lm = await load(t, path, { batchSize: 100 });
  const options = { maxTokens: 60, stop: '\u0000' };
  const first = await lm.complete(prompt, options);
  const written = first.tokens.length;
  const isEnded = first.stopReason === 'eog' ? 1 : 0;
  t.ok(written > 5);
  const decoded = 8 + written - 1 + isEnded;
  t.match(first.usage, { promptTokens: 8, cachedTokens: 0, decodedTokens: decoded });
  t.equal(first.usage.decodeCalls, written + isEnded);
  let chunks = 0;
  for await (const { tokens } of lm.stream(prompt, options)) chunks += tokens.length;
  t.equal(chunks, written);
  const many = await lm.completeMany([prompt, 'The sky is', prompt], options);
  t.same(at(many, 0).tokens, first.tokens);
  t.same(at(many, 2).tokens, first.tokens);
  t.ok(at(many, 2).usage.cachedTokens >= 7);
});

t.test('beams cost about a token per beam and step', async (t) => {
  const lm = await load(t, path);
  const { usage } = await lm.beamSearch(prompt, {
    beams: 4,
    maxTokens: 20,
    earlyStopping: 'never',
  });
  t.ok(usage.decodedTokens <= 8 + 4 * 20, `${usage.decodedTokens} tokens`);
  t.equal(usage.decodedTokens, usage.decodeCalls + 7);
});

t.test('paths in sequence share nothing but the prompt', async (t) => {
  const lm = await load(t, path);
  const { usage } = await lm.choose(prompt, [' Paris', ' Paris'], { batching: 'sequential' });
  t.equal(usage.decodedTokens, 8 + 2);
});

t.test('a model without a past decodes everything, and says so', async (t) => {
  const lm = await load(t, forgetful);
  const { usage, tree } = await lm.choose(prompt, [' Paris', ' London']);
  t.equal(tree.size - tree.childless, 2);
  t.match(usage, { cachedTokens: 0, decodedTokens: 8 + 9 + 9, decodeCalls: 3 });
  const { usage: more } = await lm.complete(prompt, { maxTokens: 3 });
  t.match(more, { cachedTokens: 0, decodedTokens: 8 + 9 + 10, decodeCalls: 3 });
});

t.test('of a model with a state that cannot be cut, everything is decoded anew', async (t) => {
  const lm = await load(t, recurrent, { batchSize: 2 });
  const oracle = await load(t, recurrentForgetful);
  const plain = await load(t, path);
  const choices = [' Paris', ' Paris and London', ' London'];
  for (const text of ['x', prompt, `${prompt} Paris`, prompt]) {
    const found = await lm.choose(text, choices, { terminator: 'eog' });
    sameChoice(t, found, await oracle.choose(text, choices, { terminator: 'eog' }), 1e-4);
    t.equal(found.usage.cachedTokens, 0);
    t.equal(found.usage.decodeCalls, 1 + found.tree.size);
    const { tokens } = await lm.complete(text, { maxTokens: 8 });
    t.same(tokens, (await oracle.complete(text, { maxTokens: 8 })).tokens);
  }
  t.notSame(await lm.greedy(prompt), await plain.greedy(prompt), 'the state matters');
});

t.test('a window that slides is noticed, and nothing is gone on from', async (t) => {
  const oracle = await load(t, slidingForgetful);
  const whole = await load(t, path);
  const choices = [' Paris', ' Paris and London', ' Paris and Rome', ' London'];
  // Shorter than the window, as long with its choices, longer.
  for (const text of ['x', prompt, `${prompt} Paris. ${prompt}`]) {
    for (const batchSize of [3, 100]) {
      const lm = await load(t, sliding, { batchSize });
      for (const options of [{}, { terminator: 'eog', details: true }] as const) {
        const wanted = await oracle.choose(text, choices, options);
        sameChoice(t, await lm.choose(text, choices, options), wanted, 1e-4);
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

t.test('calls at once give what they give one after the other', async (t) => {
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
    const wanted = await call(alone);
    const found = at(together, index);
    t.equal(found.length, wanted.length);
    for (const [place, value] of found.entries()) {
      near(t, value, at(wanted, place), 1e-4, `call ${index}, value ${place}`);
    }
  }
});

t.test('an abort ends a call between two forwards, and no other', async (t) => {
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
  t.ok(usage.cachedTokens < 2, 'nothing of it was decoded to its end');
});

t.test('close waits for a forward, ends what goes on, and frees the model', async (t) => {
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
});
