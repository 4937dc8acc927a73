// Saved prompts: a loaded prompt gives bit-identical results.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LLaMa, type LLaMaOptions, Model } from 'autocog-lm';
import t, { type Test } from 'tap';
import { failure, failures } from '../support/failures.js';
import { oneThread } from '../support/forms.js';
import { type Outputs, outputsOf } from './outputs.mjs';
import { prompt, saved } from './states.js';

/** Title, weight type, and KV cache options. */
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

/** Checks that a cached prompt gives the expected outputs without decoding. */
const checkOutputs = (t: Test, actual: Outputs, expected: Outputs, length: number): void => {
  t.same(actual.cached, [length, length, length], 'all of the prompt is cached');
  t.equal(actual.decoded, 0, 'and its logits take no decoding');
  for (const what of ['greedy', 'eval', 'logprobs'] as const) {
    t.same(actual[what], expected[what], `${what} is bit-identical`);
  }
};

const numbersOf = (bytes: string): Float64Array =>
  new Float64Array(new Uint8Array(Buffer.from(bytes, 'base64')).buffer);

for (const [name, type, options] of forms) {
  t.test(`${name}: a loaded prompt gives the same results`, async (t) => {
    const { model, state, settings, tokens, outputs } = await saved(t, { type, options });
    await using lm = await LLaMa.load(model, settings);
    const loaded = await lm.loadState(state);
    t.same(loaded.tokens, tokens);
    t.equal(loaded.usage.decodedTokens, 0);
    t.equal(loaded.usage.promptTokens, tokens.length);
    checkOutputs(t, await outputsOf(lm, tokens), outputs, tokens.length);
  });
}

t.test('another process gives the same results', async (t) => {
  const { model, state, settings, tokens, outputs } = await saved(t, { type: 'Q8_0' });
  const args = ['test/fixtures/state.mjs', model, state, JSON.stringify(settings)];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  t.equal(status, 0, stderr);
  const reported = JSON.parse(stdout) as Outputs & { tokens: number[] };
  t.same(reported.tokens, [...tokens]);
  checkOutputs(t, reported, outputs, tokens.length);
});

t.test('a model is identified by its contents, not by its path', async (t) => {
  const { folder, model, state, settings, tokens, outputs } = await saved(t);
  const copy = join(folder, 'copy.gguf');
  copyFileSync(model, copy);
  await using lm = await LLaMa.load(copy, settings);
  await lm.loadState(state);
  checkOutputs(t, await outputsOf(lm, tokens), outputs, tokens.length);
});

t.test('loading and saving a state keeps other cached prompts', async (t) => {
  const { model, state, settings, tokens, outputs } = await saved(t);
  const others = ['One two three', 'A dog barks', 'The end'];
  const checkOthers = async (when: string) => {
    for (const other of others) {
      const { usage } = await lm.ingest(other);
      t.equal(usage.decodedTokens, 0, `${other} is cached ${when}`);
    }
  };
  await using lm = await LLaMa.load(model, settings);
  for (const other of others) await lm.ingest(other);
  await lm.loadState(state);
  await checkOthers('after loading');
  // A state in any slot but the first is saved via the first slot.
  const again = `${state}-again`;
  const { usage } = await lm.saveState(again, tokens);
  t.equal(usage.decodedTokens, 0);
  t.same(readFileSync(again), readFileSync(state), 'the same bytes are saved');
  await checkOthers('after saving');
  // In other KV cells, sums are computed in another order: their last digits differ.
  const actual = await outputsOf(lm, tokens);
  const off = Math.max(
    ...actual.logprobs.flatMap((list, index) => {
      const expected = numbersOf(outputs.logprobs[index] as string);
      return Array.from(numbersOf(list), (value, at) => Math.abs(value - (expected[at] as number)));
    }),
  );
  t.ok(off < 1e-3, `choices are within ${off}`);
  checkOutputs(t, { ...actual, logprobs: outputs.logprobs }, outputs, tokens.length);
  await using narrow = await LLaMa.load(model, { ...settings, promptSlots: 1, contextSize: 64 });
  await narrow.ingest('One two three');
  await narrow.loadState(state);
  t.equal((await narrow.ingest(tokens)).usage.decodedTokens, 0, 'also if it has to evict prompts');
  await narrow.saveState(again);
  t.same(readFileSync(again), readFileSync(state));
});

t.test('without a prompt, the most recently used one is saved', async (t) => {
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
  t.same((await lm.loadState(state)).tokens, tokens, 'the previous state is intact');
});

t.test('tokens generated one at a time are not saved', async (t) => {
  const { state, model, settings } = await saved(t);
  await using lm = await LLaMa.load(model, settings);
  const promptTokens = await lm.tokenize(prompt, { addSpecial: true });
  await lm.complete(promptTokens, { maxTokens: 5 });
  const { tokens } = await lm.saveState(state);
  t.same(tokens, promptTokens, 'only the prompt');
  const cold = await LLaMa.load(model, settings);
  const expected = await outputsOf(cold, promptTokens);
  await cold.close();
  await using fresh = await LLaMa.load(model, settings);
  await fresh.loadState(state);
  checkOutputs(t, await outputsOf(fresh, promptTokens), expected, promptTokens.length);
});

t.test('saving replaces the previous state, and leaves no other files', async (t) => {
  const { folder, state, model, settings } = await saved(t);
  await using lm = await LLaMa.load(model, settings);
  const texts = ['one', 'one two', 'one two three', 'four', 'five six'];
  await Promise.all(texts.map((text) => lm.saveState(state, text)));
  const { tokens } = await lm.loadState(state);
  t.ok(
    (await Promise.all(texts.map((text) => lm.tokenize(text, { addSpecial: true })))).some(
      (each) => String(each) === String(tokens),
    ),
    'one of them, complete',
  );
  t.same(readdirSync(folder).sort(), ['model.gguf', 'prompt.state', 'prompt.state.json']);
  const sidecar = JSON.parse(readFileSync(`${state}.json`, 'utf8'));
  t.equal(sidecar.format, 'autocog-lm state');
  t.match(sidecar.facts, { 'model.architecture': 'llama', 'context.kvCacheTypeK': 'f16' });
  t.same(sidecar.tokens, [...tokens]);
});

t.test('invalid arguments and paths, aborts and closes are reported', async (t) => {
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
  t.notOk(existsSync(`${folder}.json`), 'no sidecar is left');
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  t.equal(await failure(lm.saveState(state, prompt, { signal })), reason);
  t.equal(await failure(lm.loadState(state, { signal })), reason);
  const controller = new AbortController();
  const running = [lm.loadState(state, controller), lm.saveState(state, 'other', controller)];
  const results = failures(running);
  controller.abort(reason);
  t.same(await results, [reason, reason]);
  t.ok((await lm.loadState(state)).tokens.length > 0, 'the LM still works');
  const late = failures([lm.loadState(state), lm.saveState(state, prompt)]);
  await lm.close();
  for (const error of await late) t.match(error, { code: 'CLOSED' });
  t.match(await failure(lm.loadState(state)), { name: 'ClosedError' });
  t.match(await failure(lm.saveState(state)), { name: 'ClosedError' });
});

t.test('a state of many megabytes loads completely', async (t) => {
  const { state, model } = await saved(t);
  // Contexts of different sizes beyond the training context get different RoPE bases by default.
  const rope = { ropeFrequencyBase: 20_000 };
  const settings = { ...oneThread, ...rope, kvCacheTypeK: 'f32', kvCacheTypeV: 'f32' } as const;
  await using loaded = await Model.load(model);
  await using lm = new LLaMa(loaded, { ...settings, contextSize: 2048 });
  const long = Int32Array.from({ length: 1500 }, (_, index) => 1 + ((index * 31) % 400));
  await lm.saveState(state, long);
  t.ok(readFileSync(state).length > 5 * 2 ** 20, 'read and written in several parts');
  const outputs = await outputsOf(lm, long);
  await using other = new LLaMa(loaded, { ...settings, contextSize: 1600 });
  t.same((await other.loadState(state)).tokens, long);
  checkOutputs(t, await outputsOf(other, long), outputs, long.length);
});
