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
