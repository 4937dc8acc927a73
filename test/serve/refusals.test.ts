// What the server makes of requests that are wrong: an answer that says what, and nothing worse.

import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { defaultModelPath, LLaMa, Model } from 'autocog-lm';
import { serve } from 'autocog-lm/serve';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { oneThread } from '../support/forms.js';
import { type Json, type Reply, type Serving, startServing } from './serving.js';

const posts = [
  '/v1/completions',
  '/v1/chat/completions',
  '/v1/embeddings',
  '/v1/choose',
  '/tokenize',
  '/detokenize',
];

const open = async (t: Test, options = {}): Promise<Serving> => {
  const model = await Model.load(defaultModelPath);
  t.teardown(() => model.close());
  return startServing(t, model, options);
};

/** A refusal is OpenAI's error object, and tells nothing of the server's inside. */
function checkRefusal(t: Test, { status, json, text, headers }: Reply, wanted: object): void {
  const found = { status, ...json?.error };
  t.match(found, wanted);
  t.ok(status >= 400 && status < 500, `${status} ${text.slice(0, 200)}`);
  t.match(headers.get('content-type'), 'application/json');
  t.same(Object.keys(json), ['error']);
  t.same(Object.keys(json.error).sort(), ['code', 'message', 'param', 'type']);
  t.notMatch(text, /\bat .*\.[cm]?[jt]s:\d/, 'no stack');
}

const completion = { prompt: 'a', max_tokens: 1 };
const user = { role: 'user', content: 'Hi' };
const chat = { messages: [user], max_tokens: 1 };
const choose = { prompt: 'a', choices: ['b'] };

/** Per route: a body, and the field that is wrong in it. */
const wrong: Readonly<Record<string, readonly (readonly [Json, string | null])[]>> = {
  '/v1/completions': [
    [{}, 'prompt'],
    [{ prompt: null }, 'prompt'],
    [{ prompt: 7 }, 'prompt'],
    [{ prompt: {} }, 'prompt'],
    [{ prompt: [] }, 'prompt'],
    [{ prompt: [[]] }, 'prompt'],
    [{ prompt: ['a', 1] }, 'prompt'],
    [{ prompt: [1, [2]] }, 'prompt'],
    [{ prompt: [[1], 2] }, 'prompt[1]'],
    [{ prompt: [1.5] }, 'prompt'],
    [{ prompt: [-1] }, 'prompt'],
    [{ prompt: [1024] }, 'prompt'],
    [{ prompt: [true] }, 'prompt[0]'],
    [{ prompt: Array.from({ length: 5000 }, () => 'a') }, 'prompt'],
    [{ ...completion, max_tokens: '1' }, 'max_tokens'],
    [{ ...completion, max_tokens: -1 }, 'max_tokens'],
    [{ ...completion, max_tokens: 1e12 }, 'max_tokens'],
    [{ ...completion, echo: 'yes' }, 'echo'],
    [{ ...completion, logprobs: true }, 'logprobs'],
    [{ ...completion, logprobs: -1 }, 'logprobs'],
    [{ ...completion, logprobs: 1001 }, 'logprobs'],
    [{ ...completion, logprobs: 1000, max_tokens: 100, n: 20 }, 'logprobs'],
    [{ ...completion, n: 0 }, 'n'],
    [{ ...completion, n: 1000 }, 'n'],
    [{ ...completion, best_of: 2 }, 'best_of'],
    [{ ...completion, suffix: 'x' }, 'suffix'],
    [{ ...completion, stream: 1 }, 'stream'],
    [{ ...completion, stream_options: {} }, 'stream_options'],
    [{ ...completion, stream: true, stream_options: { other: 1 } }, 'stream_options.other'],
    [{ ...completion, temperature: -1 }, 'temperature'],
    [{ ...completion, temperature: 'hot' }, 'temperature'],
    [{ ...completion, top_p: 1.1 }, 'top_p'],
    [{ ...completion, top_k: 0.5 }, 'top_k'],
    [{ ...completion, min_p: [] }, 'min_p'],
    [{ ...completion, mirostat: 3 }, 'mirostat'],
    [{ ...completion, frequency_penalty: 1e9 }, 'frequency_penalty'],
    [{ ...completion, presence_penalty: null, seed: -2 }, 'seed'],
    [{ ...completion, seed: 2 ** 32 }, 'seed'],
    [{ ...completion, stop: '' }, 'stop'],
    [{ ...completion, stop: ['a', ''] }, 'stop'],
    [{ ...completion, stop: [1] }, 'stop'],
    [{ ...completion, stop_token_ids: [5000] }, 'stop_token_ids'],
    [{ ...completion, logit_bias: [] }, 'logit_bias'],
    [{ ...completion, logit_bias: { a: 1 } }, 'logit_bias'],
    [{ ...completion, logit_bias: { 1024: 1 } }, 'logit_bias'],
    [{ ...completion, logit_bias: { 5: 'x' } }, 'logit_bias'],
    [{ ...completion, logit_bias: { 5: 1e300 } }, 'logit_bias'],
    [{ ...completion, grammar: '' }, 'grammar'],
    [{ ...completion, grammar: 'root ::= "' }, 'grammar'],
    [{ ...completion, grammar: 'root ::= "a"', json_schema: {} }, 'grammar'],
    [{ ...completion, json_schema: { type: 'nothing' } }, 'json_schema'],
    [{ ...completion, json_schema: { not: {} } }, null],
    [{ ...completion, model: 7 }, 'model'],
    [{ ...completion, user: 7 }, 'user'],
    [JSON.parse('{"prompt":"a","__proto__":1}'), '__proto__'],
    [{ ...completion, constructor: 1 }, 'constructor'],
    [{ ...completion, prompt: 'word '.repeat(2000) }, 'prompt'],
    [{ ...completion, prompt: Array.from({ length: 600 }, () => 5) }, 'prompt'],
  ],
  '/v1/chat/completions': [
    [{}, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: 'Hi' }, 'messages'],
    [{ messages: ['Hi'] }, 'messages[0]'],
    [{ messages: [{}] }, 'messages[0].role'],
    [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
    [{ messages: [user, { role: 'toString', content: '' }] }, 'messages[1].role'],
    [{ messages: [{ role: 'tool', content: '' }] }, 'messages[0].role'],
    [{ messages: [{ ...user, name: 'me' }] }, 'messages[0].name'],
    [{ messages: [{ role: 'user', content: 1 }] }, 'messages[0].content'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      'messages[0].content[0].type',
    ],
    [{ ...chat, tools: [] }, 'tools'],
    [{ ...chat, max_tokens: 0 }, 'max_tokens'],
    [{ ...chat, max_completion_tokens: 2 }, 'max_tokens'],
    [{ ...chat, logprobs: 1 }, 'logprobs'],
    [{ ...chat, top_logprobs: 1 }, 'top_logprobs'],
    [{ ...chat, logprobs: true, top_logprobs: 1001 }, 'top_logprobs'],
    [{ messages: [user], logprobs: true, top_logprobs: 999, n: 9 }, 'top_logprobs'],
    [{ ...chat, response_format: 'json' }, 'response_format'],
    [{ ...chat, response_format: {} }, 'response_format.type'],
    [{ ...chat, response_format: { type: 'xml' } }, 'response_format.type'],
    [{ ...chat, response_format: { type: 'json_schema' } }, 'response_format.json_schema'],
    [
      { ...chat, response_format: { type: 'json_schema', json_schema: {} } },
      'response_format.json_schema.schema',
    ],
    [{ ...chat, max_tokens: 600 }, 'messages'],
    [{ messages: [{ role: 'user', content: 'word '.repeat(2000) }] }, 'messages'],
    [{ ...chat, prompt: 'a' }, 'prompt'],
  ],
  '/v1/embeddings': [
    [{}, 'input'],
    [{ input: [] }, 'input'],
    [{ input: [[]] }, null],
    [{ input: { a: 1 } }, 'input'],
    [{ input: 'a', dimensions: 2 }, 'dimensions'],
    [{ input: 'a', encoding_format: 'int8' }, 'encoding_format'],
    [{ input: 'word '.repeat(2000) }, null],
  ],
  '/v1/choose': [
    [{}, 'prompt'],
    [{ prompt: 'a' }, 'choices'],
    [{ prompt: 'a', choices: [] }, null],
    [{ prompt: 'a', choices: [''] }, null],
    [{ prompt: 'a', choices: ['b', [1]] }, 'choices'],
    [{ prompt: 'a', choices: [[5000]] }, 'choices'],
    [{ prompt: [1.5], choices: ['b'] }, 'prompt'],
    [{ ...choose, normalize: 'words' }, null],
    [{ ...choose, top: 0 }, null],
    [{ ...choose, signal: {} }, 'signal'],
    [{ ...choose, tree: 'yes' }, 'tree'],
  ],
  '/tokenize': [
    [{}, 'prompt'],
    [{ content: 1 }, 'content'],
    [{ content: 'a', prompt: 'b' }, 'prompt'],
    [{ content: 'a', prompt: 'a', add_special_tokens: true }, 'add_special_tokens'],
    [{ content: 'a', add_special_tokens: false }, 'add_special_tokens'],
    [{ prompt: 'a', add_special: true }, 'add_special'],
    [{ prompt: ['a'] }, 'prompt'],
    [{ messages: [user] }, 'prompt'],
  ],
  '/detokenize': [
    [{}, 'tokens'],
    [{ tokens: 'a' }, 'tokens'],
    [{ tokens: [1024] }, 'tokens'],
    [{ tokens: [null] }, 'tokens'],
  ],
};

t.test('what is wrong with a body is told by its field', async (t) => {
  const { post } = await open(t);
  for (const [path, bodies] of Object.entries(wrong)) {
    for (const [body, param] of bodies) {
      const reply = await post(path, body);
      const what = `${path} ${JSON.stringify(body).slice(0, 90)}`;
      t.equal(reply.status, 400, what);
      t.equal(reply.json.error.param, param, what);
      checkRefusal(t, reply, { type: 'invalid_request_error' });
    }
  }
});

t.test('a stream that cannot begin is refused as any request', async (t) => {
  const { post } = await open(t);
  const long = { prompt: 'word '.repeat(2000), stream: true };
  checkRefusal(t, await post('/v1/completions', long), { code: 'context_length_exceeded' });
});

t.test('messages that cannot be written as the model wants them are refused', async (t) => {
  const { post } = await open(t);
  const codes = Array.from({ length: 0xf900 - 0xe000 }, (_, index) => 0xe000 + index);
  const messages = [{ role: 'user', content: String.fromCharCode(...codes) }];
  const wanted = { status: 400, code: 'not_supported', message: /private use/ };
  checkRefusal(t, await post('/v1/chat/completions', { messages }), wanted);
});

t.test('what is no JSON, or none of its kind, is refused', async (t) => {
  const { post } = await open(t);
  for (const path of posts) {
    for (const body of ['', '{', 'null', '[]', '"a"', '1', 'undefined', '{"a":1}x', '\u0000']) {
      checkRefusal(t, await post(path, body), { status: 400 });
    }
    const bytes = new Uint8Array([0x22, 0xff, 0x22]);
    const headers = { 'content-type': 'application/json' };
    const broken = await post(path, '', { body: bytes, headers });
    checkRefusal(t, broken, { status: 400, code: 'invalid_json' });
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonx',
      '',
    ]) {
      const other = await post(path, '{}', { headers: { 'content-type': type } });
      checkRefusal(t, other, { status: 415, code: 'unsupported_media_type' });
    }
  }
  for (const type of [
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/a+json',
  ]) {
    const reply = await post('/v1/completions', completion, { headers: { 'content-type': type } });
    t.equal(reply.status, 200, type);
  }
});

t.test('paths and methods that there are not', async (t) => {
  const { get, post } = await open(t);
  for (const path of [
    '/',
    '/v1',
    '/v1/completions/',
    '/completion',
    '/v1/chat',
    '/..%2f',
    '/%ff',
  ]) {
    checkRefusal(t, await get(path), { status: 404, code: 'not_found' });
  }
  for (const path of posts) {
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      const reply = await get(path, { method });
      checkRefusal(t, reply, { status: 405, code: 'method_not_allowed' });
      t.equal(reply.headers.get('allow'), 'POST');
    }
  }
  for (const path of ['/v1/models', '/tokenizer_info', '/health']) {
    const reply = await post(path, {});
    checkRefusal(t, reply, { status: 405 });
    t.equal(reply.headers.get('allow'), 'GET');
  }
});

t.test('a body that is too large is not read', async (t) => {
  const { post, server } = await open(t, { bodyLimit: 1000 });
  const sized = (size: number) =>
    JSON.stringify({ content: '' }).replace('""', `"${'a'.repeat(size - 14)}"`);
  t.equal(sized(1000).length, 1000);
  t.equal((await post('/tokenize', sized(1000))).status, 200);
  checkRefusal(t, await post('/tokenize', sized(1001)), { status: 413, code: 'body_too_large' });
  const chunks = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(sized(3000)));
      controller.close();
    },
  });
  const response = await fetch(`${server.url}/tokenize`, {
    method: 'POST',
    body: chunks,
    headers: { 'content-type': 'application/json' },
    duplex: 'half',
  } as RequestInit);
  t.equal(response.status, 413, 'whatever it says of its length');
  await response.text();
});

t.test('what is no HTTP ends its connection, and no other', async (t) => {
  const { server, get } = await open(t);
  for (const bytes of [
    '\u0000\u0001\r\n\r\n',
    'GET\r\n\r\n',
    `GET / HTTP/1.1\r\na: ${'b'.repeat(99_999)}\r\n\r\n`,
  ]) {
    const socket = connect(server.port, server.host);
    socket.on('error', () => {});
    socket.write(bytes);
    t.match(await textOf(socket).catch(() => 'HTTP/1.1 400'), /^HTTP\/1\.1 4\d\d/);
  }
  t.equal((await get('/health')).status, 200);
});

t.test('any JSON gets an answer, and the server goes on', async (t) => {
  const failures: unknown[] = [];
  const { post, get } = await open(t, { onError: (error: unknown) => failures.push(error) });
  const fields = [
    ...['prompt', 'messages', 'input', 'choices', 'content', 'tokens', 'echo', 'logprobs', 'n'],
    ...['max_tokens', 'temperature', 'stop', 'seed', 'stream', 'logit_bias', 'grammar', 'top_p'],
    ...['response_format', 'json_schema', 'normalize', 'boundary', 'prior', 'top', 'user', 'model'],
  ];
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom(
      'a',
      'root ::= "a"',
      [1, 2],
      [[1], [2]],
      ['a', 'b'],
      [user],
      0,
      1,
      2,
      true,
      null,
    ),
  );
  const right: Json = {
    '/v1/completions': completion,
    '/v1/chat/completions': chat,
    '/v1/embeddings': { input: 'a' },
    '/v1/choose': choose,
    '/tokenize': { content: 'a' },
    '/detokenize': { tokens: [1] },
  };
  const some = (most: number) =>
    fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: most, noNullPrototype: true });
  const request = fc.constantFrom(...posts).chain((path) => {
    const nearly = some(2).map((more) => ({ ...right[path], ...more }));
    return fc.tuple(fc.constant(path), fc.oneof(nearly, nearly, some(6), fc.jsonValue()));
  });
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(request, async ([path, sent]) => {
      const { status, json, text } = await post(path, sent);
      if (status === 200) answered++;
      else if (status < 400 || status > 499 || json?.error?.message === undefined) {
        throw new Error(`${status}: ${text}`);
      }
    }),
    { numRuns: 600, seed: 1 },
  );
  t.same(failures, []);
  t.ok(answered > 50, `${answered} were right`);
  t.equal((await get('/health')).status, 200);
});

t.test('options that are none are refused', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, oneThread);
  const refused = async (options: object, message: RegExp): Promise<void> => {
    await t.rejects(serve(lm, options), { message });
  };
  await refused({ port: -1 }, /^Expected an integer between 0 and 65535 for port, got -1$/);
  await refused({ port: '80' }, /^Expected an integer for port/);
  await refused({ host: '' }, /for host/);
  await refused({ apiKey: '' }, /for apiKey/);
  await refused(
    { apiKey: 'a b' },
    /^Expected printable ASCII without spaces for apiKey, got "3 char/,
  );
  await refused({ bodyLimit: 0 }, /for bodyLimit/);
  await refused({ alias: '' }, /for alias/);
  await refused({ implicitBos: 1 }, /for implicitBos/);
  await refused({ onError: 1 }, /for onError/);
  await refused({ cors: true }, /the keys of options, got "cors"$/);
  await t.rejects(serve({} as LLaMa), {
    message: /^Expected a LLaMa for lm/,
    code: 'INVALID_ARGUMENT',
  });
  await using server = await serve(lm, { port: 0 });
  await t.rejects(serve(lm, { port: server.port }), { code: 'EADDRINUSE' });
  const closed = await LLaMa.load(defaultModelPath, oneThread);
  await closed.close();
  await t.rejects(serve(closed, { port: 0 }), { code: 'CLOSED' });
});
