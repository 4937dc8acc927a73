// Invalid request bodies: each is rejected with an error that names the field.

import fc from 'fast-check';
import t from 'tap';
import { checkRejected, openDefault, postRoutes } from './rejections.js';
import type { Json } from './serving.js';

const completion = { prompt: 'a', max_tokens: 1 };
const user = { role: 'user', content: 'Hi' };
const chat = { messages: [user], max_tokens: 1 };
const choose = { prompt: 'a', choices: ['b'] };

/** Per route: invalid bodies, each with the invalid field. */
const invalidBodies: Readonly<Record<string, readonly (readonly [Json, string | null])[]>> = {
  '/v1/completions': [
    [{}, 'prompt'],
    [{ prompt: null }, 'prompt'],
    [{ prompt: 7 }, 'prompt'],
    [{ prompt: {} }, 'prompt'],
    [{ prompt: [] }, 'prompt'],
    [{ prompt: [[]] }, 'prompt'],
    [{ prompt: ['a', 1] }, 'prompt[1]'],
    [{ prompt: [1, [2]] }, 'prompt[1]'],
    [{ prompt: [[1], 2] }, 'prompt[1]'],
    [{ prompt: [1.5] }, 'prompt[0]'],
    [{ prompt: [-1] }, 'prompt[0]'],
    [{ prompt: [1024] }, 'prompt[0]'],
    [{ prompt: [[1], [2, -1]] }, 'prompt[1][1]'],
    [{ prompt: ['a', ''], implicit: 1 }, 'implicit'],
    [{ prompt: ['a', 'word '.repeat(2000)] }, 'prompt[1]'],
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
    [{ ...completion, stop: ['a', ''] }, 'stop[1]'],
    [{ ...completion, stop: [1] }, 'stop[0]'],
    [{ ...completion, stop_token_ids: [5000] }, 'stop_token_ids[0]'],
    [{ ...completion, logit_bias: [] }, 'logit_bias'],
    [{ ...completion, logit_bias: { a: 1 } }, 'logit_bias'],
    [{ ...completion, logit_bias: { 1024: 1 } }, 'logit_bias'],
    [{ ...completion, logit_bias: { 5: 'x' } }, 'logit_bias.5'],
    [{ ...completion, logit_bias: { 5: 1e300 } }, 'logit_bias.5'],
    [{ ...completion, grammar: '' }, 'grammar'],
    [{ ...completion, grammar: 'root ::= "' }, 'grammar'],
    [{ ...completion, grammar: 'root ::= "a"', json_schema: {} }, 'grammar'],
    [{ ...completion, json_schema: { type: 'nothing' } }, 'json_schema'],
    [{ ...completion, json_schema: { not: {} } }, 'json_schema'],
    [{ ...completion, json_schema: {}, response_format: { type: 'json_object' } }, 'json_schema'],
    [{ ...completion, dry_sequence_breakers: [1] }, 'dry_sequence_breakers[0]'],
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
    [
      {
        ...chat,
        response_format: { type: 'json_schema', json_schema: { schema: { not: {} } } },
      },
      'response_format.json_schema.schema',
    ],
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
    [{ input: [[]] }, 'input[0]'],
    [{ input: { a: 1 } }, 'input'],
    [{ input: 'a', dimensions: 2 }, 'dimensions'],
    [{ input: 'a', encoding_format: 'int8' }, 'encoding_format'],
    [{ input: [[1], [5000]] }, 'input[1][0]'],
    [{ input: ['a', 'word '.repeat(2000)] }, 'input[1]'],
    [{ input: 'word '.repeat(2000) }, 'input'],
  ],
  '/v1/choose': [
    [{}, 'prompt'],
    [{ prompt: 'a' }, 'choices'],
    [{ prompt: 'a', choices: [] }, 'choices'],
    [{ prompt: 'a', choices: ['b', ''] }, 'choices[1]'],
    [{ prompt: 'a', choices: ['b', [1]] }, 'choices[1]'],
    [{ prompt: 'a', choices: [[5000]] }, 'choices[0][0]'],
    [{ prompt: [1.5], choices: ['b'] }, 'prompt[0]'],
    [{ prompt: 'word '.repeat(2000), choices: ['b'] }, 'prompt'],
    [{ ...choose, prior: 'word '.repeat(2000) }, 'prior'],
    [{ ...choose, terminator: '' }, 'terminator'],
    [{ ...choose, prompt: [1], boundary: 'joint' }, 'prompt'],
    [{ ...choose, tolerance: 2 }, 'tolerance'],
    [{ ...choose, batching: 'sequential', search: 'bound' }, 'search'],
    [{ ...choose, normalize: 'words' }, 'normalize'],
    [{ ...choose, top: 0 }, 'top'],
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
    [{ tokens: [1024] }, 'tokens[0]'],
    [{ tokens: [1, null] }, 'tokens[1]'],
  ],
};

t.test('an invalid body is rejected with the name of the field', async (t) => {
  const { post } = await openDefault(t);
  for (const [path, bodies] of Object.entries(invalidBodies)) {
    for (const [body, param] of bodies) {
      const reply = await post(path, body);
      const what = `${path} ${JSON.stringify(body).slice(0, 90)}`;
      t.equal(reply.status, 400, what);
      t.equal(reply.json.error.param, param, what);
      checkRejected(t, reply, { type: 'invalid_request_error' });
    }
  }
});

t.test('a field that any route knows is named if its value is of a wrong type', async (t) => {
  const { post } = await openDefault(t);
  const valid: Readonly<Record<string, Json>> = {
    '/v1/completions': { ...completion, stream: true },
    '/v1/chat/completions': { ...chat, stream: true },
    '/v1/embeddings': { input: 'a' },
    '/v1/choose': choose,
    '/tokenize': { prompt: 'a' },
    '/detokenize': { tokens: [1] },
  };
  for (const [path, body] of Object.entries(valid)) {
    const unknown = await post(path, { ...body, unheard: 1 });
    checkRejected(t, unknown, { param: 'unheard', code: 'unknown_parameter' });
    const known = /supported fields: (.*)$/.exec(unknown.json.error.message)?.[1]?.split(', ');
    t.ok(known?.includes('model'), path);
    for (const field of known ?? []) {
      // No field may have these, of which one at least is of the wrong type.
      for (const value of [{ '-': [[[]]] }, [[['x']]]]) {
        const what = `${path} ${field} ${JSON.stringify(value)}`;
        const reply = await post(path, { ...body, [field]: value });
        checkRejected(t, reply, { status: 400, type: 'invalid_request_error' });
        const { param } = reply.json.error;
        t.match(param, new RegExp(`^${field}(?:[.[]|$)`), what);
      }
    }
    t.equal((await post(path, { ...body, model: 'other' })).json.error.param, 'model');
  }
});

t.test('no field is named if none is at fault', async (t) => {
  const { post, get } = await openDefault(t, { apiKey: 'key' });
  t.equal((await get('/v1/models')).json.error.param, null);
  const authorized = { headers: { authorization: 'Bearer key' } };
  for (const path of postRoutes) {
    for (const body of ['{', '[]', 'null']) {
      const reply = await post(path, body, authorized);
      checkRejected(t, reply, { status: 400, param: null });
    }
  }
  for (const path of ['/nope', '/v1/completions']) {
    t.equal((await get(path, authorized)).json.error.param, null);
  }
  t.equal((await get('/v1/models/other', authorized)).json.error.param, 'model');
});

t.test('a stream that cannot start is rejected like any request', async (t) => {
  const { post } = await openDefault(t);
  const long = { prompt: 'word '.repeat(2000), stream: true };
  checkRejected(t, await post('/v1/completions', long), { code: 'context_length_exceeded' });
});

t.test('messages that the chat template cannot format are rejected', async (t) => {
  const { post } = await openDefault(t);
  const codes = Array.from({ length: 0xf900 - 0xe000 }, (_, index) => 0xe000 + index);
  const messages = [{ role: 'user', content: String.fromCharCode(...codes) }];
  const expected = { status: 400, code: 'not_supported', message: /private-use/ };
  checkRejected(t, await post('/v1/chat/completions', { messages }), expected);
});

t.test('any JSON gets a response, and the server keeps running', async (t) => {
  const failures: unknown[] = [];
  const { post, get } = await openDefault(t, { onError: (error: unknown) => failures.push(error) });
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
  const validBodies: Json = {
    '/v1/completions': completion,
    '/v1/chat/completions': chat,
    '/v1/embeddings': { input: 'a' },
    '/v1/choose': choose,
    '/tokenize': { content: 'a' },
    '/detokenize': { tokens: [1] },
  };
  const someFields = (maxKeys: number) =>
    fc.dictionary(fc.constantFrom(...fields), value, { maxKeys, noNullPrototype: true });
  const request = fc.constantFrom(...postRoutes).chain((path) => {
    const almostValid = someFields(2).map((more) => ({ ...validBodies[path], ...more }));
    return fc.tuple(
      fc.constant(path),
      fc.oneof(almostValid, almostValid, someFields(6), fc.jsonValue()),
    );
  });
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(request, async ([path, sent]) => {
      const { status, json, text } = await post(path, sent);
      if (status === 200) accepted++;
      else if (status < 400 || status > 499 || json?.error?.message === undefined) {
        throw new Error(`${status}: ${text}`);
      }
    }),
    { numRuns: 600, seed: 1 },
  );
  t.same(failures, []);
  t.ok(accepted > 50, `${accepted} were valid`);
  t.equal((await get('/health')).status, 200);
});
