// Saved prompts: the same numbers to the last bit after a load.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LLaMa, type LLaMaOptions, Model } from 'autocog-lm';
import t, { type Test } from 'tap';
import { failure, failures } from '../support/failures.js';
import { oneThread } from '../support/forms.js';
import { type Answers, answersOf } from './answers.mjs';
import { prompt, saved } from './states.js';

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
  // Contexts beyond the training one have a rope base of their own unless they are told.
  const rope = { ropeFrequencyBase: 20_000 };
  const settings = { ...oneThread, ...rope, kvCacheTypeK: 'f32', kvCacheTypeV: 'f32' } as const;
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
