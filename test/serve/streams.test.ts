// Streams while the model is busy, or silent: early headers, pings, late errors and disconnects.

import { setTimeout as sleep } from 'node:timers/promises';
import { type CompletionChunk, type LLaMa, NotSupportedError } from 'autocog-lm';
import OpenAI, { type APIError } from 'openai';
import t, { type Test } from 'tap';
import { checkRejected, openDefault } from './rejections.js';

const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }];
const chat = { messages, temperature: 0, stream: true };
const completion = { prompt: 'The capital of France is', max_tokens: 4, temperature: 0 };
const routes = [
  ['/v1/chat/completions', chat],
  ['/v1/completions', { ...completion, stream: true }],
  ['/v1/completions', { ...completion, stream: true, echo: true, logprobs: 1 }],
] as const;

/** Keeps an LM busy until `release`. */
function occupy(t: Test, lm: LLaMa) {
  const controller = new AbortController();
  const sampler = { temperature: 0, logitBias: { 300: 100 } };
  const options = { maxTokens: Infinity, contextShift: true, sampler, signal: controller.signal };
  let isBusy = true;
  const ended = lm.complete('a', options).then(
    () => t.fail('it ended by itself'),
    () => {
      isBusy = false;
    },
  );
  const release = (): Promise<unknown> => {
    controller.abort();
    return ended;
  };
  t.teardown(release);
  return { release, isBusy: () => isBusy };
}

/** Starts a request and returns once it has headers. */
const open = (url: string, path: string, body: object, signal?: AbortSignal): Promise<Response> =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });

/** A body as it arrives. */
function reading(response: Response) {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  return {
    /** The text so far, once `enough` holds for it or the body ends. */
    async until(enough: (text: string) => boolean = () => false): Promise<string> {
      while (!enough(text)) {
        const { done, value } = await reader.read();
        if (done) break;
        text += decoder.decode(value, { stream: true });
      }
      return text;
    },
  };
}

const pingsIn = (text: string): number => text.split(': ping\n\n').length - 1;
const withoutPings = (text: string): string => text.replaceAll(': ping\n\n', '');

t.test('a busy model delays neither headers nor pings', async (t) => {
  const { lm, server, post } = await openDefault(t, { pingInterval: 20 });
  for (const [path, body] of routes) {
    const { release, isBusy } = occupy(t, lm);
    const response = await open(server.url, path, body);
    t.ok(isBusy());
    t.equal(response.status, 200);
    t.equal(response.headers.get('content-type'), 'text/event-stream');
    t.ok(response.headers.get('x-request-id'));
    const read = reading(response);
    t.match(await read.until((text) => pingsIn(text) >= 3), /^(: ping\n\n){3,}$/);
    t.ok(isBusy(), 'before any data');
    await release();
    const text = await read.until();
    const normal = await post(path, body);
    const texts = (stream: string) =>
      [...stream.matchAll(/"(?:content|text)":"([^"]*)"/g)].map(([, piece]) => piece).join('');
    t.equal(texts(text), texts(normal.text));
    t.match(text, /data: \[DONE\]\n\n$/);
  }
});

t.test('invalid requests are HTTP errors, even if the model is busy', async (t) => {
  const { lm, post } = await openDefault(t);
  const { isBusy } = occupy(t, lm);
  const long = 'word '.repeat(2000);
  for (const [path, body, param] of [
    ['/v1/completions', { ...completion, temperature: -1 }, 'temperature'],
    ['/v1/completions', { ...completion, prompt: long }, 'prompt'],
    ['/v1/chat/completions', { ...chat, messages: [{ role: 'x' }] }, 'messages[0].role'],
    ['/v1/chat/completions', { ...chat, messages: [{ role: 'user', content: long }] }, 'messages'],
  ] as const) {
    checkRejected(t, await post(path, { ...body, stream: true }), { status: 400, param });
  }
  t.ok(isBusy());
});

t.test('a failure after the headers is an error event, and is reported', async (t) => {
  const reported: unknown[] = [];
  const onError = (...failure: unknown[]) => reported.push(failure);
  const { lm, server } = await openDefault(t, { pingInterval: 20, onError });
  occupy(t, lm);
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
  const response = await open(server.url, '/v1/chat/completions', chat);
  const stream = await client.chat.completions.create({ ...chat, model: 'default', stream: true });
  const read = reading(response);
  await read.until((text) => pingsIn(text) > 0);
  await lm.close();
  const events = withoutPings(await read.until());
  t.match(JSON.parse(events.replace(/^data: /, '')), {
    error: { type: 'server_error', code: 'server_closing', param: null, message: /closed/ },
  });
  t.notMatch(events, '[DONE]');
  const failure: APIError = await (async () => {
    for await (const chunk of stream) t.fail(JSON.stringify(chunk));
  })().then(
    () => t.fail('It ended') as never,
    (error) => error,
  );
  t.equal(failure.code, 'server_closing');
  t.match(reported, [[{ code: 'CLOSED' }], [{ code: 'CLOSED' }]]);
  t.equal((reported[0] as unknown[])[1], response.headers.get('x-request-id'));
});

t.test('an immediate failure is still an HTTP error', async (t) => {
  const { lm, post } = await openDefault(t);
  lm.complete = () => Promise.reject(new NotSupportedError('not today'));
  for (const [path, body] of routes.slice(0, 2)) {
    const expected = { status: 400, code: 'not_supported', message: 'not today' };
    checkRejected(t, await post(path, body), expected);
  }
});

t.test('a client that disconnects while it waits leaves nothing behind', async (t) => {
  const { lm, server, post } = await openDefault(t, { pingInterval: 20 });
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;
  const { release, isBusy } = occupy(t, lm);
  for (const [path, body] of routes) {
    const controller = new AbortController();
    const before = timers();
    const responses = await Promise.all(
      Array.from({ length: 4 }, () => open(server.url, path, body, controller.signal)),
    );
    const reads = responses.map(reading);
    await Promise.all(reads.map(({ until }) => until((text) => pingsIn(text) > 0)));
    controller.abort();
    for (const { until } of reads) await t.rejects(until(), { name: 'AbortError' });
    const deadline = Date.now() + 5000;
    while (timers() > before && Date.now() < deadline) await sleep(10);
    t.ok(timers() <= before, `${timers()} timers, ${before} before`);
    t.ok(isBusy(), 'the other call goes on');
  }
  await release();
  t.equal((await post('/v1/completions', completion)).status, 200);
  await server.close();
});

/** Makes the LM pause before each chunk, as a slow one does. */
function slowDown(lm: LLaMa, pause: number): void {
  const complete = lm.complete.bind(lm);
  lm.complete = async (prompt, { onToken, ...options } = {}) => {
    const chunks: CompletionChunk[] = [];
    const result = await complete(prompt, { ...options, onToken: (chunk) => chunks.push(chunk) });
    for (const chunk of chunks) {
      await sleep(pause);
      await onToken?.(chunk);
    }
    return result;
  };
}

t.test("OpenAI's client and a plain reader skip the pings of a slow model", async (t) => {
  const { lm, server, post } = await openDefault(t, { pingInterval: 10 });
  const { stream: _, ...body } = chat;
  const expected = (await post('/v1/chat/completions', body)).json.choices[0].message.content;
  slowDown(lm, 80);
  const { text } = await post('/v1/chat/completions', chat);
  t.match(text, /data: .*\n\n(: ping\n\n)+data: /, 'also between chunks');
  const contents = text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)).choices[0].delta.content ?? '');
  t.equal(contents.join(''), expected);
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
  const stream = client.chat.completions.stream({ messages, temperature: 0, model: 'default' });
  t.equal((await stream.finalChatCompletion()).choices[0]?.message.content, expected);
});

t.test('an interval of 0 disables the pings', async (t) => {
  const { lm, post } = await openDefault(t, { pingInterval: 0 });
  slowDown(lm, 50);
  t.equal(pingsIn((await post('/v1/chat/completions', chat)).text), 0);
});
