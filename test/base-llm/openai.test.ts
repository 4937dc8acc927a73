// LocalLLM over OpenAI, on this package's own server: the server's chat template renders, and the
// results are those of the model in process.

import { defaultModelPath, LLaMa, Model } from 'autocog-lm';
import { LocalLLM } from 'autocog-lm/base-llm';
import { OpenAI, type OpenAIOptions } from 'autocog-lm/openai';
import t from 'tap';
import { startServing } from '../serve/serving.js';
import { oneThread } from '../support/forms.js';
import { france, italy } from './llms.js';

const model = await Model.load(defaultModelPath);
const serving = await startServing(t, model, { alias: 'default' });
t.teardown(() => model.close());

/** An LLM over the server, one in process, and the LM of the former. */
const pair = (options = {}, connection: Partial<OpenAIOptions> = {}) => {
  const baseURL = `${serving.server.url}/v1`;
  const lm = new OpenAI({ model: 'default', baseURL, ...connection });
  return { lm, remote: new LocalLLM(lm, options), local: new LocalLLM(serving.lm, options) };
};

t.test('it runs, batches and chats as in process', async (t) => {
  const { remote, local } = pair({ maxTokens: 20 });
  t.equal(remote.modelName, 'default');
  t.equal(await remote.run(france), 'Paris');
  t.same(await remote.batchRun([france, italy]), await local.batchRun([france, italy]));
  for (const task of [france, italy]) t.equal(await remote.chat(task), await local.chat(task));
  t.same(remote.history, local.history);
  for (const llm of [remote, local]) llm.set({ systemPrompt: 'Be brief.', stopToken: 'm' });
  t.equal(await remote.run(italy), await local.run(italy));
  t.equal(await remote.chat(italy), await local.chat(italy));
  t.equal(await remote.countTokens('Hello'), await local.countTokens('Hello'));
  t.ok(((await remote.tokensPerSecond()) ?? 0) > 0);
  t.ok((remote.timeToFirstToken() ?? 0) > 0);
  let streamed = '';
  await remote.run(france, {
    onToken: (text) => {
      streamed += text;
    },
  });
  t.equal(streamed.trim(), 'Paris');
});

t.test('samples have the seeds that they have in process', async (t) => {
  const sampling = { maxTokens: 12, temperature: 3, topP: 0.95, seed: 4 };
  const { remote, local } = pair({ ...sampling, numReturnSequences: 4, frequencyPenalty: 0.3 });
  const texts = await remote.sequences('Tell me about Rome.');
  t.same(texts, await local.sequences('Tell me about Rome.'));
  t.ok(new Set(texts).size > 1);
  t.equal(await remote.run('Tell me about Rome.'), texts[0]);
  const tasks = [france, italy, france];
  t.same(await remote.batchRun(tasks), await local.batchRun(tasks));
});

t.test('what the server cannot do is refused', async (t) => {
  const refused = { name: 'NotSupportedError', code: 'NOT_SUPPORTED' };
  for (const options of [
    { topK: 5 },
    { repetitionPenalty: 1.1 },
    { numBeams: 2 },
    { bosTokenId: 1 },
    { maxLength: 50 },
    { role: 'user' },
    { modelName: 'other' },
    { device: 'cpu' },
    { padTokenId: 0 },
  ]) {
    t.throws(() => pair(options), refused, JSON.stringify(options));
    const { lm } = pair();
    const llm = new LocalLLM(lm);
    llm.set(options);
    await t.rejects(llm.run(france), refused, JSON.stringify(options));
    llm.set(Object.fromEntries(Object.keys(options).map((name) => [name, undefined])));
    t.equal(await llm.run(france), 'Paris');
  }
});

t.test('creative mode works on any server', async (t) => {
  const { remote } = pair({ maxTokens: 8 });
  remote.toggleCreativeMode(true);
  t.type(await remote.run(france), 'string');
  remote.toggleCreativeMode(false);
  t.equal(await remote.run(france), 'Paris');
});

t.test('without the chat API, a format renders the prompt', async (t) => {
  const { remote } = pair({ format: 'chatml', maxTokens: 20 }, { api: 'completions' });
  const inProcess = new LocalLLM(serving.lm, { format: 'chatml', maxTokens: 20 });
  t.equal(await remote.run(france), await inProcess.run(france));
  t.equal(await remote.chat(italy), await inProcess.chat(italy));
  const plain = pair({ maxTokens: 3 }, { api: 'completions' });
  t.match(await plain.remote.run('The capital of France is'), /^Paris/);
  plain.remote.set({ maxLength: 10, maxTokens: undefined });
  await plain.remote.run('The capital of France is');
  const { tokens = 0, promptTokens = 0 } = plain.remote.lastGeneration ?? {};
  t.ok(tokens + promptTokens <= 10);
});

t.test('a long text is summarized in parts', async (t) => {
  const { remote } = pair();
  const steps: number[] = [];
  const text = 'Rome is the capital of Italy. '.repeat(120);
  await remote.generateSummary(text, { onProgress: ({ pass }) => steps.push(pass) });
  t.ok(steps.length > 2);
});

t.test('a failure of the server is a RemoteError, and leaves the history', async (t) => {
  const lm = new OpenAI({ model: 'none', baseURL: 'http://127.0.0.1:1/v1', retries: 1 });
  const llm = new LocalLLM(lm);
  const remote = { name: 'RemoteError', code: 'REMOTE' };
  await t.rejects(llm.run(france), remote);
  await t.rejects(llm.chat(france), remote);
  await t.rejects(llm.batchRun([france, italy]), remote);
  t.same(llm.history, []);
  t.match(await llm.trackResourceUtilization(), { modelBytes: undefined, devices: [] });
});

t.test('one LLM may go from a server to the model in process', async (t) => {
  const llm = new LocalLLM(
    ({ modelName = '' }) =>
      modelName.endsWith('.gguf') ? LLaMa.load(modelName, oneThread) : pair().lm,
    { modelName: 'default', maxTokens: 20 },
  );
  t.equal(await llm.chat(france), 'Paris');
  llm.setModelName(defaultModelPath);
  t.equal(await llm.chat(italy), 'Rome');
  t.equal(llm.history.length, 4);
  await llm.close();
});
