// The other routes: embeddings, choose, the tokenizer in two servers' formats, and model listing.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { defaultModelPath, LLaMa, Model } from 'autocog-lm';
import t, { type Test } from 'tap';
import { at } from '../suite/oracle.js';
import { loadForm, oneThread } from '../support/forms.js';
import { type Json, type Serving, startServing } from './serving.js';

const open = async (t: Test): Promise<Serving> => {
  const model = await Model.load(defaultModelPath);
  t.teardown(() => model.close());
  return startServing(t, model);
};

const sampleTexts = [
  'Hello, world!',
  ' two  spaces and\ttabs\n',
  'é😀 你好 ﷽',
  '<|bos|>text<|eos|> <|im_start|>user<|im_end|> <|nosuch|> </s>',
  '<|im_end|',
  ' ',
  '',
];

for (const type of ['F32', 'Q8_0']) {
  t.test(`embeddings are the LM's, with ${type} weights`, async (t) => {
    const model = await loadForm(t, type);
    const { post, lm } = await startServing(t, model);
    const texts = ['The sky is blue', 'é', 'a lemon'];
    const expected = await lm.embed(texts);
    const lists = texts.map((text) => [...model.tokenizeSync(text, { addSpecial: true })]);
    for (const input of [texts, lists]) {
      const { json } = await post('/v1/embeddings', { input });
      t.same(
        json.data.map(({ index }: Json) => index),
        [0, 1, 2],
      );
      for (const [index, { embedding }] of json.data.entries()) {
        t.same(Float32Array.from(embedding), expected.embeddings[index]);
      }
      t.equal(json.usage.prompt_tokens, expected.usage.promptTokens);
      t.match(json, { object: 'list', model: type });
    }
    const [alone] = (await lm.embed(texts.slice(0, 1))).embeddings;
    for (const input of [texts[0], lists[0]]) {
      const { json } = await post('/v1/embeddings', { input, encoding_format: 'base64' });
      const bytes = Buffer.from(json.data[0].embedding, 'base64');
      const floats = Array.from(alone ?? [], (_, index) => bytes.readFloatLE(index * 4));
      t.same(Float32Array.from(floats), alone);
    }
  });

  t.test(`choose is the LM's, with ${type} weights`, async (t) => {
    const model = await loadForm(t, type);
    const { post } = await startServing(t, model);
    await using lm = new LLaMa(model, oneThread);
    const plain = (value: unknown) =>
      JSON.parse(
        JSON.stringify(value, (_key, item) =>
          ArrayBuffer.isView(item) ? Array.from(item as Int32Array) : item,
        ),
      );
    const prompt = 'The capital of France is';
    const choices = [' Paris', ' London', ' Paris is a city', ' Paris'];
    const ids = choices.map((choice) => model.tokenizeSync(choice));
    const cases = [
      {},
      { normalize: 'tokens', terminator: 'eog', details: true },
      { prior: '', boundary: 'healed' },
      { boundary: 'joint', merges: true },
      { search: 'bound', top: 1 },
      { batching: 'sequential', normalize: 'chars' },
    ] as const;
    for (const options of cases) {
      const { status, json } = await post('/v1/choose', {
        prompt,
        choices,
        tree: true,
        ...options,
      });
      t.equal(status, 200);
      const {
        timings: _,
        usage: __,
        ...expected
      } = plain(await lm.choose(prompt, choices, options));
      const { timings, usage, ...found } = json;
      t.same(found, expected, JSON.stringify(options));
      t.type(timings.totalMs, 'number');
      t.type(usage.promptTokens, 'number');
    }
    const tokens = [...model.tokenizeSync(prompt, { addSpecial: true })];
    const body = { prompt: tokens, choices: ids.map((list) => [...list]) };
    const { json } = await post('/v1/choose', body);
    const expected = plain(await lm.choose(Int32Array.from(tokens), ids));
    t.same(json.choices, expected.choices);
    t.notOk('tree' in json, 'the tree only if requested');
    const sole = await post('/v1/choose', { prompt, choices: [' Paris'] });
    t.equal(sole.json.margin, null, 'infinite values are null');
  });
}

t.test('the ESM and CommonJS entries load and export the same names', async (t) => {
  const esm = await import('autocog-lm/serve');
  const commonjs = createRequire(import.meta.url)('autocog-lm/serve');
  t.same(Object.keys(commonjs).sort(), Object.keys(esm).sort());
  t.same(Object.keys(esm).sort(), ['ScoringServer', 'serve']);
});

t.test('the core does not load the server', async (t) => {
  const code =
    "require('autocog-lm'); require('autocog-lm/chat'); console.log(Object.keys(require.cache).join())";
  const { stdout } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
  t.match(stdout, 'llama.js');
  t.notMatch(stdout, /hono|serve.server\.js/);
});

t.test('texts are tokenized as by the model', async (t) => {
  const { post, lm } = await open(t);
  const { model } = lm;
  for (const text of sampleTexts) {
    for (const addSpecial of [false, true]) {
      for (const parseSpecial of [false, true]) {
        const own = model.tokenizeSync(text, { addSpecial, parseSpecial });
        const body = { content: text, add_special: addSpecial, parse_special: parseSpecial };
        const expected = { tokens: [...own], max_model_len: lm.contextSize };
        t.same((await post('/tokenize', body)).json, expected);
      }
    }
    const own = [...model.tokenizeSync(text, { parseSpecial: true })];
    t.same(
      (await post('/tokenize', { content: text })).json.tokens,
      own,
      'with the defaults of llama.cpp',
    );
    const vllm = { prompt: text, add_special_tokens: false };
    const { json } = await post('/tokenize', vllm);
    t.same(json, { count: own.length, max_model_len: lm.contextSize, tokens: own });
    const whole = (await post('/tokenize', { prompt: text, return_token_strs: true })).json;
    const bos = own[0] === model.vocab.bos ? [] : [model.vocab.bos];
    t.same(whole.tokens, [...bos, ...own], 'one BOS token');
    t.equal(whole.token_strs.length, whole.count);
    const content = model.detokenizeSync(Int32Array.from(own), { special: true });
    t.same((await post('/detokenize', { tokens: own })).json, { content, prompt: content });
  }
  const pieces = await post('/tokenize', { content: 'aé<|eos|>', with_pieces: true });
  t.same(
    pieces.json.tokens.map(({ piece }: Json) => piece),
    ['a', [195], [169], '<|eos|>'],
  );
});

t.test('the model and its tokenizer are described', async (t) => {
  const { get, post, lm } = await open(t);
  const { json } = await get('/v1/models');
  t.match(json, { object: 'list', data: [{ id: 'default', object: 'model', max_model_len: 512 }] });
  t.equal(json.data.length, 1);
  t.same((await get('/v1/models/default')).json, json.data[0]);
  t.equal((await get('/v1/models/other')).status, 404);
  t.same((await get('/health')).json, { status: 'ok' });
  const { json: info } = await get('/tokenizer_info');
  t.match(info, { bos_token: '<|bos|>', eos_token: '<|eos|>', pad_token: null });
  t.equal(info.chat_template, lm.model.info.chatTemplate);
  const body = { prompt: info.eos_token, add_special_tokens: false };
  t.same((await post('/tokenize', body)).json.tokens, [lm.model.vocab.eos]);
});

t.test('a model can have an alias', async (t) => {
  const model = await Model.load(defaultModelPath);
  t.teardown(() => model.close());
  const { get, post } = await startServing(t, model, { alias: 'small/é' });
  t.equal((await get('/v1/models')).json.data[0].id, 'small/é');
  t.equal((await get(`/v1/models/${encodeURIComponent('small/é')}`)).status, 200);
  const complete = (name: string) =>
    post('/v1/completions', { prompt: 'a', max_tokens: 1, model: name });
  t.equal((await complete('small/é')).json.model, 'small/é');
  t.match(await complete('default'), { status: 404, json: { error: { code: 'model_not_found' } } });
});

t.test("every response has an id: the request's own if it is valid", async (t) => {
  const { get, post } = await open(t);
  const ids = new Set<string | null>();
  const body = { prompt: 'a', max_tokens: 1 };
  for (const reply of [
    await get('/health'),
    await get('/nope'),
    await post('/v1/completions', body),
    await post('/v1/completions', { ...body, stream: true }),
    await post('/v1/completions', '{'),
  ]) {
    ids.add(reply.headers.get('x-request-id'));
  }
  t.equal(ids.size, 5);
  t.notOk(ids.has(null));
  const named = await get('/health', { headers: { 'x-request-id': 'mine-1' } });
  t.equal(named.headers.get('x-request-id'), 'mine-1');
  const unfit = await get('/health', { headers: { 'x-request-id': 'a b' } });
  t.not(unfit.headers.get('x-request-id'), 'a b');
  t.ok(at([...ids], 0));
});
