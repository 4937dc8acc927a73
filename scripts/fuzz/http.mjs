// HTTP: requests that are valid but for some fields, bodies of any bytes, clients that leave at any
// moment. Each answer is JSON or a stream with a status that the server documents, and at the end the
// server answers as it did at the beginning.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultModelPath, LLaMa } from 'autocog-lm';
import { serve } from 'autocog-lm/serve';
import fc from 'fast-check';
import { check, Tally } from './support/property.mjs';

const statuses = [200, 400, 401, 403, 404, 405, 408, 413, 415, 499, 503, 504];
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('The sky is', '<|im_end|>', '', '\ud800', 'a'.repeat(5000), '<s>'.repeat(100)),
);
const ids = fc.array(fc.oneof(fc.nat(400), fc.integer(), fc.double()), { maxLength: 20 });
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(1e308, -1, 2 ** 53, [], {}, [[]], 'x'.repeat(1e5)),
);
const field = (usual) =>
  fc.option(fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: odd }), {
    nil: undefined,
  });
const bool = fc.boolean();
const grammar = fc.constantFrom(
  'root ::= "a"',
  'root ::= [a-z]+',
  'root ::= root',
  'root ::= (',
  '',
);
const schema = fc.constantFrom(
  {},
  { type: 'integer' },
  { enum: ['a', 'b'] },
  { not: {} },
  { $ref: '#' },
  true,
  false,
);
const sampling = {
  max_tokens: field(fc.nat(12)),
  n: field(fc.nat(3)),
  temperature: field(fc.double({ min: 0, max: 2, noNaN: true })),
  seed: field(fc.nat(10)),
  stop: field(fc.oneof(text, fc.array(text, { maxLength: 2 }))),
  stream: field(bool),
  grammar: field(grammar),
  json_schema: field(schema),
  logit_bias: field(fc.dictionary(fc.nat(500).map(String), fc.integer({ min: -100, max: 100 }))),
  top_k: field(fc.nat(50)),
  mirostat: field(fc.nat(3)),
};
const messages = fc.array(
  fc.record({ role: fc.constantFrom('user', 'assistant', 'system', 'tool'), content: text }),
  { maxLength: 4 },
);
const bodies = {
  '/v1/completions': fc.record({
    prompt: field(
      fc.oneof(text, ids, fc.array(text, { maxLength: 3 }), fc.array(ids, { maxLength: 3 })),
    ),
    echo: field(bool),
    logprobs: field(fc.nat(5)),
    ...sampling,
  }),
  '/v1/chat/completions': fc.record({
    messages: field(messages),
    logprobs: field(bool),
    top_logprobs: field(fc.nat(5)),
    response_format: field(
      fc.constantFrom({ type: 'text' }, { type: 'json_object' }, { type: 'x' }),
    ),
    ...sampling,
  }),
  '/v1/choose': fc.record({
    prompt: field(fc.oneof(text, ids)),
    choices: field(fc.oneof(fc.array(text, { maxLength: 5 }), fc.array(ids, { maxLength: 3 }))),
    boundary: field(fc.constantFrom('separate', 'joint', 'healed')),
    details: field(bool),
    top: field(fc.nat(3)),
    tree: field(bool),
  }),
  '/v1/embeddings': fc.record({
    input: field(fc.oneof(text, ids, fc.array(text, { maxLength: 3 }))),
  }),
  '/tokenize': fc.record({
    content: field(text),
    with_pieces: field(bool),
    add_special: field(bool),
  }),
  '/detokenize': fc.record({ tokens: field(ids) }),
};
const request = fc.oneof(
  ...Object.entries(bodies).map(([path, body]) => ({
    weight: 3,
    arbitrary: body.map((value) => ({ path, body: JSON.stringify(value) })),
  })),
  {
    weight: 1,
    arbitrary: fc.record({
      path: fc.oneof(
        fc.constantFrom(...Object.keys(bodies), '/health', '/v1/models/x'),
        fc.webPath(),
      ),
      body: fc.oneof(
        fc.string(),
        fc.json(),
        fc.constant('['.repeat(50_000)),
        fc.constant('{"prompt":'),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((raw) => ({ raw })) },
);
const step = fc.record({
  request,
  /** Milliseconds after which the client leaves. */
  leave: fc.option(fc.nat(30), { freq: 4, nil: undefined }),
  type: fc.constantFrom(...Array(9).fill('application/json'), 'text/plain'),
});

async function send(server, { request: { path, body, raw }, leave, type }, tally) {
  if (raw !== undefined) {
    const socket = connect(server.port, server.host);
    socket.on('error', () => {});
    socket.end(raw);
    socket.resume();
    await sleep(leave ?? 5);
    socket.destroy();
    return tally.add('raw');
  }
  const signal = leave === undefined ? undefined : AbortSignal.timeout(leave);
  let response;
  let answer;
  try {
    const headers = { 'content-type': type };
    response = await fetch(server.url + path, { method: 'POST', headers, body, signal });
    answer = await response.text();
  } catch (error) {
    if (signal?.aborted) return tally.add('left');
    throw error;
  }
  const { status } = response;
  tally.add(String(status));
  if (!statuses.includes(status)) throw new Error(`status ${status}: ${answer.slice(0, 500)}`);
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) return;
  const json = JSON.parse(answer);
  if (status === 200) return;
  if (typeof json.error?.message !== 'string')
    throw new Error(`status ${status}: ${answer.slice(0, 500)}`);
}

/** @returns {Promise<string>} what was found */
export async function fuzz(options) {
  const tally = new Tally();
  const lm = await LLaMa.load(defaultModelPath, { threads: 1, contextSize: 256 });
  const failures = [];
  const onError = (error) => failures.push(error);
  const chatTemplate =
    '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:';
  const server = await serve(lm, {
    port: 0,
    maxWaiting: 8,
    onError,
    chatTemplate,
    requestTimeout: 20_000,
  });
  const known = async () => {
    const body = JSON.stringify({
      prompt: 'The sky is',
      max_tokens: 5,
      temperature: 0,
      logprobs: 2,
    });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.url}/v1/completions`, { method: 'POST', headers, body });
    return JSON.stringify((await response.json()).choices);
  };
  const before = await known();
  const test = async (steps) => {
    await Promise.all(steps.map((one) => send(server, one, tally)));
    if (failures.length > 0)
      throw new Error('a failure of the server', { cause: failures.splice(0)[0] });
    if ((await fetch(`${server.url}/health`)).status !== 200) throw new Error('not healthy');
  };
  const runs = await check('http', fc.array(step, { minLength: 1, maxLength: 6 }), test, options);
  // What clients have left may take a moment to end.
  await sleep(200);
  const after = await known();
  if (after !== before) throw new Error(`answered ${before}, then ${after}`);
  await server.close();
  await lm.close();
  return `${runs} groups of requests: ${tally}`;
}
