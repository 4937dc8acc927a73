// Which options the class OpenAI accepts and rejects, before sending any request.

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { OpenAI, type OpenAIOptions } from 'autocog-lm/openai';
import Client from 'openai';
import t from 'tap';
import { failure } from '../support/failures.js';

const key = { apiKey: 'none' };
const make = (options: object): OpenAI =>
  new OpenAI({ model: 'gpt-4o', ...options } as OpenAIOptions);

t.test('invalid options are rejected', async (t) => {
  const kind = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
  const size = { name: 'RangeError', code: 'OUT_OF_RANGE' };
  const cases: [object, typeof kind][] = [
    [{ model: undefined }, kind],
    [{ model: '' }, size],
    [{ modell: 'x' }, kind],
    [{ baseURL: 'localhost:8080' }, size],
    [{ baseURL: 'ftp://localhost' }, size],
    [{ baseURL: 3 }, kind],
    [{ apiKey: '' }, size],
    [{ client: {} }, kind],
    [{ client: null }, kind],
    [{ headers: [] }, kind],
    [{ headers: { 'x-a': 3 } }, kind],
    [{ headers: { 'x a': 'b' } }, size],
    [{ headers: { 'x-a': 'b\nc' } }, size],
    [{ api: 'responses' }, kind],
    [{ systemPrompt: 3 }, kind],
    [{ maxTokens: 0 }, size],
    [{ maxTokens: 3, completion: { maxTokens: 3 } }, kind],
    [{ temperature: -1 }, size],
    [{ temperature: Infinity }, size],
    [{ completion: { stop: '' } }, size],
    [{ completion: { contextShift: 1 } }, kind],
    [{ retries: 0 }, size],
    [{ delta: -1 }, size],
    [{ growth: Number.NaN }, size],
    [{ timeout: 0 }, size],
    [{ timeout: Infinity }, size],
    [{ encoding: 'o300k' }, kind],
    [{ tokenizer: 'mine' }, kind],
    [{ tokenizer: {} }, kind],
    [{ tokenizer: 'server', encoding: 'gpt2' }, kind],
    [{ tokenizer: { tokenize: () => [], detokenize: () => '' }, encoding: 'gpt2' }, kind],
    [{ endOfGeneration: [-1] }, size],
    [{ endOfGeneration: 3 }, kind],
    [{ beginToken: 1.5 }, size],
    [{ contextSize: 0 }, size],
    [{ extraBody: 'x' }, kind],
    [{ extraBody: { prompt: 'x' } }, size],
    [{ extraBody: { stream: false } }, size],
    [{ extraBody: { a: 1n } }, kind],
    [{ strategy: 'best' }, kind],
    [{ topLogprobsLimit: 0 }, size],
  ];
  for (const [options, error] of cases) {
    t.throws(() => make({ ...key, ...options }), error, Object.keys(options).join());
  }
  t.throws(() => new OpenAI(undefined as never), kind);
  t.throws(() => new OpenAI(null as never), kind);
  const client = new Client({ apiKey: 'none' });
  t.throws(() => make({ client, apiKey: 'x' }), kind, 'a client has its own');
  t.throws(() => make({ client, baseURL: 'http://localhost' }), kind);
  t.ok(make({ client }));
});

t.test("only OpenAI's own server requires a key", async (t) => {
  const { OPENAI_API_KEY, OPENAI_BASE_URL } = process.env;
  t.teardown(() => {
    for (const [name, value] of Object.entries({ OPENAI_API_KEY, OPENAI_BASE_URL })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  delete process.env.OPENAI_API_KEY;
  delete process.env.OPENAI_BASE_URL;
  t.throws(() => make({}), { name: 'TypeError', message: /OPENAI_API_KEY/ });
  t.ok(make({ baseURL: 'http://127.0.0.1:1/v1' }));
  process.env.OPENAI_BASE_URL = 'http://127.0.0.1:1/v1';
  t.ok(make({}));
  delete process.env.OPENAI_BASE_URL;
  process.env.OPENAI_API_KEY = 'mine';
  t.ok(make({}));
});

t.test('completions reject what the API cannot express, without a request', async (t) => {
  // Nothing listens on this port any more.
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const baseURL = `http://127.0.0.1:${port}/v1`;
  const lm = new OpenAI({ model: 'gpt-4o', baseURL, retries: 1 });
  const refused: [object, RegExp][] = [
    [{ grammar: 'root ::= "a"' }, /grammar.*extraBody/],
    [{ contextShift: true }, /contextShift/],
    [{ sampler: { temperature: 1, topK: 5 } }, /topK.*extraBody/],
    [{ sampler: { temperature: 1, minP: 0.1 } }, /minP/],
    [{ sampler: { temperature: 1, typicalP: 0.5 } }, /typicalP/],
    [{ sampler: { temperature: 1, topNSigma: 1 } }, /topNSigma/],
    [{ sampler: { temperature: 1, xtcProbability: 0.5 } }, /xtcProbability/],
    [{ sampler: { temperature: 1, minKeep: 2 } }, /minKeep/],
    [{ sampler: { temperature: Infinity } }, /Infinity/],
    [{ sampler: { temperature: 1, order: ['temperature'] } }, /order/],
    [{ sampler: { mirostat: 2 } }, /mirostat/],
    [{ sampler: { repeatPenalty: 1.1 } }, /repeatPenalty/],
    [{ sampler: { dryMultiplier: 1 } }, /dryMultiplier/],
    [{ sampler: { dynamicTemperatureRange: 1 } }, /dynamicTemperatureRange/],
  ];
  for (const [options, message] of refused) {
    const error = await failure(lm.complete('x', options));
    t.match(error, { code: 'NOT_SUPPORTED', message }, JSON.stringify(options));
    t.throws(() => lm.stream('x', options), { code: 'NOT_SUPPORTED' });
  }
  const bias = { sampler: { logitBias: { 3: 101 } } };
  await t.rejects(lm.complete('x', bias), { name: 'RangeError' });
  await t.rejects(lm.complete('x', { jsonSchema: 3 as never }), { name: 'TypeError' });
  const both = { jsonSchema: {}, grammar: 'root ::= "a"' };
  await t.rejects(lm.complete('x', both), { name: 'TypeError' });
  await t.rejects(lm.complete(Int32Array.of()), { name: 'RangeError' });
  await t.rejects(lm.complete(3 as never), { name: 'TypeError' });
  await t.rejects(lm.complete('x', { temperature: 1 } as never), { name: 'TypeError' });
  const error = await failure(lm.complete('x'));
  t.match(error, { code: 'REMOTE', message: /ECONNREFUSED/, status: undefined });
});

t.test('there is no greedy', async (t) => {
  t.notOk('greedy' in OpenAI.prototype, 'servers do not return the full distribution');
});
