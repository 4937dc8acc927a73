// Checkpoints: what they restore, and which ones are refused.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { defaultModelPath, type LLaMa, quantize } from 'autocog-lm';
import { LocalLLM } from 'autocog-lm/base-llm';
import { OpenAI } from 'autocog-lm/openai';
import t, { type Test } from 'tap';
import { failure } from '../support/failures.js';
import { oneThread } from '../support/forms.js';
import { ScriptedLM } from '../support/scripted-lm.mjs';
import { france, italy, loadLLM, Shouting } from './llms.js';

const mismatch = { name: 'LMError', code: 'STATE_MISMATCH' };

/** An LLM with a history, and its checkpoint. */
async function saved(t: Test): Promise<{ llm: LocalLLM; path: string; folder: string }> {
  const llm = await loadLLM(t, { maxTokens: Infinity, systemPrompt: 'Infinity', seed: 3 });
  await llm.chat(france);
  const folder = join(t.testdir(), 'deep', 'ünder');
  return { llm, folder, path: await llm.saveCheckpoint(folder) };
}

t.test('a checkpoint restores history, options and the state of the prompt', async (t) => {
  const { llm, path, folder } = await saved(t);
  t.equal(dirname(path), folder);
  llm.toggleCreativeMode(true);
  const creative = await llm.saveCheckpoint(folder);
  t.not(creative, path);
  t.same(
    readdirSync(folder).filter((file) => file.endsWith('.tmp')),
    [],
  );
  const other = await loadLLM(t, { topK: 9, device: 'cpu' });
  await other.chat(italy);
  const kept = { modelName: other.modelName, device: 'cpu' };
  await other.loadCheckpoint(path);
  const before = { maxTokens: Infinity, systemPrompt: 'Infinity', seed: 3 };
  t.same(other.settings, { ...before, ...kept });
  t.same(
    other.history.map(({ content }) => content),
    [france, llm.history[1]?.content],
  );
  const lm = (await other.open()) as LLaMa;
  t.equal((await lm.saveState(join(folder, 'again'))).usage.decodedTokens, 0, 'it is cached');
  await other.loadCheckpoint(creative);
  t.match(other, { creativeMode: true, temperature: 1.2 });
  other.toggleCreativeMode(false);
  t.same(other.settings, { ...before, ...kept });
  await other.chat(italy);
  t.equal(other.history.length, 4);
});

t.test('without a history, the state is that of the last prompt, if there is one', async (t) => {
  const llm = await loadLLM(t);
  const folder = t.testdir();
  const bare = await llm.saveCheckpoint(folder);
  t.same(readdirSync(folder), [basename(bare)]);
  await llm.loadCheckpoint(bare);
  await llm.run(france);
  const path = await llm.saveCheckpoint(folder);
  const { state } = JSON.parse(readFileSync(path, 'utf8'));
  const lm = (await llm.open()) as LLaMa;
  const { tokens } = await lm.loadState(join(folder, state.file));
  t.equal(tokens.length, llm.lastGeneration?.promptTokens);
});

t.test('damaged, foreign and missing checkpoints are refused, and change nothing', async (t) => {
  const { llm, path, folder } = await saved(t);
  const text = readFileSync(path, 'utf8');
  const { state } = JSON.parse(text);
  const data = join(folder, state.file);
  const other = await llm.saveCheckpoint(folder);
  llm.setMaxTokens(5);
  await llm.chat(italy);
  const before = JSON.stringify([llm.settings, llm.history]);
  const refuse = async (what: string, from = path): Promise<void> => {
    t.match(await failure(llm.loadCheckpoint(from)), mismatch, what);
    t.equal(JSON.stringify([llm.settings, llm.history]), before, what);
  };
  await refuse('missing', join(folder, 'none.json'));
  await refuse('a folder', folder);
  for (let trial = 0; trial < 25; trial++) {
    const at = Math.floor(((trial + 0.5) / 25) * text.length);
    const changed = text.charAt(at) === '7' ? '8' : '7';
    writeFileSync(path, text.slice(0, at) + changed + text.slice(at + 1));
    await refuse(`changed at ${at}: ${text.slice(at - 5, at + 5)}`);
    writeFileSync(path, text.slice(0, at));
    await refuse(`cut at ${at}`);
  }
  for (const content of ['', 'null', '[]', '{}', '{"format":"autocog-lm checkpoint"}', '\0']) {
    writeFileSync(path, content);
    await refuse(content);
  }
  writeFileSync(path, text.replace('"formatVersion":1', '"formatVersion":2'));
  await t.rejects(llm.loadCheckpoint(path), { ...mismatch, message: /in its format: 2, not 1/ });
  writeFileSync(path, text);

  const bytes = readFileSync(data);
  writeFileSync(data, bytes.subarray(0, -1));
  await refuse('cut state');
  writeFileSync(data, Buffer.from(bytes).fill(1, 0, 9));
  await refuse('altered state');
  writeFileSync(data, bytes);
  const sidecar = readFileSync(`${data}.json`);
  const otherData = join(folder, JSON.parse(readFileSync(other, 'utf8')).state.file);
  const shorter = `${otherData}.json`;
  writeFileSync(
    `${data}.json`,
    readFileSync(shorter, 'utf8').replace('"tokens":[', '"tokens":[1,'),
  );
  await refuse('the state of another checkpoint');
  writeFileSync(`${data}.json`, sidecar);
  await llm.loadCheckpoint(path);
  t.equal(llm.history.length, 2);
});

t.test('a checkpoint of another model, LM or class is refused', async (t) => {
  const { path, folder } = await saved(t);
  const file = join(folder, 'other.gguf');
  await quantize(defaultModelPath, file, 'Q4_0');
  const other = await loadLLM(t, { modelName: file });
  await t.rejects(other.loadCheckpoint(path), { ...mismatch, message: /differs in model \(/ });
  const copy = join(folder, 'renamed.gguf');
  copyFileSync(defaultModelPath, copy);
  await (await loadLLM(t, { modelName: copy })).loadCheckpoint(path);

  class Special extends LocalLLM {}
  const lm = await other.open();
  await t.rejects(new Special(lm).loadCheckpoint(path), { ...mismatch, message: /in llm \(/ });
  await t.rejects(new Shouting().loadCheckpoint(path), mismatch);

  const remote = (model: string) =>
    new LocalLLM(new OpenAI({ model, baseURL: 'http://127.0.0.1:1' }));
  const elsewhere = await remote('a').saveCheckpoint(folder);
  await remote('a').loadCheckpoint(elsewhere);
  await t.rejects(remote('b').loadCheckpoint(elsewhere), mismatch);
  const toy = await new LocalLLM(new ScriptedLM(['x'])).saveCheckpoint(folder);
  await t.rejects(remote('a').loadCheckpoint(toy), {
    ...mismatch,
    message: /lm \(ScriptedLM, not/,
  });
});

t.test('a state of another context is refused, and nothing else is restored', async (t) => {
  const { path } = await saved(t);
  const llm = await loadLLM(t, {}, { ...oneThread, kvCacheTypeK: 'f32' });
  await t.rejects(llm.loadCheckpoint(path), { ...mismatch, message: /kvCacheTypeK/ });
  t.same(llm.history, []);
  const small = await loadLLM(t, {}, { ...oneThread, contextSize: 32 });
  await t.rejects(small.loadCheckpoint(path), { code: 'CONTEXT_OVERFLOW' });
  t.same(small.history, []);
});

t.test('any subclass has checkpoints', async (t) => {
  const folder = t.testdir();
  const llm = new Shouting({ temperature: Infinity, stopToken: 'x', role: 'null' });
  await llm.chat('Grüß \ud83c\udf0d \ud800');
  const path = await llm.saveCheckpoint(folder);
  const other = new Shouting();
  await other.loadCheckpoint(path);
  t.same(other.settings, llm.settings);
  t.equal(other.history.length, 2);
  await t.rejects(new Shouting({ modelName: 'm' }).loadCheckpoint(path), mismatch);
});

t.test('a folder that cannot be written is reported, and no file is left', async (t) => {
  const folder = t.testdir({ file: 'x', taken: {} });
  const llm = await loadLLM(t);
  await llm.run(france);
  const unsaved = { name: 'LMError', code: 'STATE_NOT_SAVED' };
  await t.rejects(llm.saveCheckpoint(join(folder, 'file')), unsaved);
  await t.rejects(llm.saveCheckpoint(join(folder, 'file', 'x')), unsaved);
  t.same(readdirSync(folder).sort(), ['file', 'taken']);
  mkdirSync(join(folder, 'new'));
});

t.test('a checkpoint waits for the chat, and the next chat for the checkpoint', async (t) => {
  const llm = await loadLLM(t);
  const folder = t.testdir();
  const [, path] = await Promise.all([
    llm.chat(france),
    llm.saveCheckpoint(folder),
    llm.chat(italy),
  ]);
  t.equal(JSON.parse(readFileSync(path as string, 'utf8')).history.length, 2);
  const all = await Promise.all([1, 2, 3].map(() => llm.saveCheckpoint(folder)));
  t.equal(new Set(all).size, 3);
  const [, , answer] = await Promise.all([
    llm.chat(france),
    llm.loadCheckpoint(path as string),
    llm.chat(italy),
  ]);
  t.equal(answer, 'Rome');
  t.equal(llm.history.length, 4);
});
