// OpenAIBinding: over the package's own server, and over servers that misbehave.

import { createServer, type ServerResponse } from 'node:http';
import { defaultModelPath, LLaMa } from 'autocog-lm';
import { OpenAIBinding, type OpenAIBindingOptions } from 'autocog-lm/binding';
import { OpenAI } from 'autocog-lm/openai';
import { serve } from 'autocog-lm/serve';
import t, { type Test } from 'tap';

const lm = await LLaMa.load(defaultModelPath, { threads: 1 });
const server = await serve(lm, { port: 0, apiKey: 'secret' });
t.teardown(async () => {
  await server.close();
  await lm.close();
});
const prompt = 'The capital of France is';
const baseURL = `${server.url}/v1`;

const make = (bindingConfig: OpenAIBindingOptions['bindingConfig'] = {}) =>
  new OpenAIBinding({
    bindingConfig: { baseURL, apiKey: 'secret', retries: 1, temperature: 0, ...bindingConfig },
  });

t.test('generates as the served model does, with callbacks and stops', async (t) => {
  await using binding = make();
  t.same(await binding.listModels(), ['default']);
  t.match(await binding.getAvailableModels(), [{ name: 'default', contextSize: 512 }]);
  await binding.buildModel('default');
  const { text } = await lm.complete(prompt, { maxTokens: 6 });
  const chunks: string[] = [];
  let last: object | undefined;
  const generated = await binding.generate(prompt, {
    nPredict: 6,
    callback: (chunk, _type, metadata) => {
      chunks.push(chunk);
      last = metadata;
    },
  });
  t.equal(generated, text);
  t.equal(chunks.join(''), text);
  t.match(last, { progress: 1, tokensGenerated: 6, finishReason: 'length' });
  t.equal(await binding.generate(prompt, { callback: () => false }), ' P');
  t.equal(await binding.getModelPath('default'), undefined);
});

t.test('a drawn seed is sent, and gives the same again', async (t) => {
  await using binding = make({ temperature: 1.2, topP: 1 });
  await binding.buildModel('default');
  const text = await binding.generate('Once', { nPredict: 16 });
  const seed = binding.getCurrentSeed();
  t.ok(seed >= 0);
  t.equal(await binding.generate('Once', { nPredict: 16, seed }), text);
});

t.test('tokens and embeddings are the server’s', async (t) => {
  await using binding = make();
  await binding.buildModel('default');
  t.same(await binding.tokenize('Hello'), await lm.tokenize('Hello'));
  t.equal(await binding.detokenize([300]), await lm.detokenize(Int32Array.of(300)));
  const { embeddings } = await lm.embed(['a', 'b']);
  t.same(await binding.embed(['a', 'b']), embeddings);
  t.same(await binding.embed('b'), embeddings[1]);
  await t.rejects(binding.embed(''), RangeError);
});

t.test('OpenAI.embed takes texts and tokens, in any order', async (t) => {
  await using remote = new OpenAI({ model: 'default', baseURL, apiKey: 'secret' });
  const tokens = Int32Array.of(300, 301);
  const texts = ['a', tokens, tokens, 'b', 'a'];
  const { embeddings, usage } = await remote.embed(texts);
  const expected = await lm.embed(texts);
  // Batched in another way.
  for (const [index, vector] of embeddings.entries()) {
    const own = expected.embeddings[index] as Float32Array;
    t.ok(vector.every((value, at) => Math.abs(value - (own[at] as number)) < 1e-5));
  }
  t.equal(usage.promptTokens, expected.usage.promptTokens);
  t.same((await remote.embed([])).embeddings, []);
  await t.rejects(remote.embed(1 as never), TypeError);
  await t.rejects(remote.embed(['a', 1] as never), { message: /for texts\[1\]/ });
  const client = { baseURL, post: () => ({ asResponse: () => Promise.reject(new Error('x')) }) };
  await using bare = new OpenAI({ model: 'm', client });
  await t.rejects(bare.listModels(), { code: 'NOT_SUPPORTED', message: /GET/ });
});

t.test('what the API cannot express is refused', async (t) => {
  await using binding = make({ temperature: 1 });
  await binding.buildModel('default');
  await t.rejects(binding.generate(prompt, { topK: 5 }), { code: 'NOT_SUPPORTED' });
  await t.rejects(binding.generate(prompt, { grammar: 'root ::= "a"' }), { code: 'NOT_SUPPORTED' });
  await t.rejects(binding.generateWithImages(prompt, []), { code: 'NOT_SUPPORTED' });
});

t.test('settings make another client, unless they are of the sampling', async (t) => {
  await using binding = make();
  await binding.buildModel('default');
  const before = binding.lm;
  binding.bindingConfig.values.temperature = 0.1;
  t.match(await binding.settingsUpdated(), { reloaded: 'nothing' });
  t.equal(binding.lm, before);
  binding.bindingConfig.values.apiKey = 'wrong';
  t.match(await binding.settingsUpdated(), { changed: ['apiKey'], reloaded: 'model' });
  await t.rejects(binding.generate(prompt), { code: 'REMOTE', status: 401 });
  await t.rejects(binding.listModels(), { code: 'REMOTE', status: 401 });
  binding.bindingConfig.values.baseURL = 'ftp://x';
  await t.rejects(binding.settingsUpdated(), RangeError);
});

async function fake(t: Test, answer: (response: ServerResponse) => void): Promise<string> {
  const listener = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json');
      answer(response);
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.teardown(() => listener.close());
  const address = listener.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/v1`;
}

for (const body of [
  '{',
  '[]',
  '{}',
  '{"data":1}',
  '{"data":[1]}',
  '{"data":[{}]}',
  '{"data":[{"embedding":"x"}]}',
  '{"data":[{"embedding":[1],"index":7}]}',
  '{"data":[{"embedding":[1]},{"embedding":[1]}]}',
  '{"error":"no"}',
]) {
  t.test(`the answer ${body} is a RemoteError`, async (t) => {
    await using binding = make({ baseURL: await fake(t, (response) => response.end(body)) });
    await binding.buildModel('m');
    await t.rejects(binding.embed('a'), { code: 'REMOTE' });
    // A list of embeddings is no list of models either.
    await t.rejects(binding.listModels(), { code: 'REMOTE' });
  });
}

t.test('a server that is not there is a RemoteError', async (t) => {
  await using binding = make({ baseURL: 'http://127.0.0.1:1/v1' });
  await t.rejects(binding.listModels(), { code: 'REMOTE' });
  await t.rejects(binding.buildModel(), { name: 'TypeError', message: /name of a model/ });
  await binding.buildModel('m');
  await t.rejects(binding.generate(prompt), { code: 'REMOTE' });
});
