// The life cycle of a server and its requests: start, client disconnects, close and abort.

import { request } from 'node:http';
import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultModelPath, LLaMa, Model } from 'autocog-lm';
import { serve } from 'autocog-lm/serve';
import t, { type Test } from 'tap';
import { oneThread } from '../support/forms.js';
import { eventsOf, startServing } from './serving.js';

/** Generates until the limit or an abort: the biased token never ends generation. */
const endless = { prompt: 'a', max_tokens: 500, temperature: 0, logit_bias: { 300: 100 } };
const headers = { 'content-type': 'application/json' };

const open = async (t: Test) => {
  const model = await Model.load(defaultModelPath);
  t.teardown(() => model.close());
  const serving = await startServing(t, model);
  return { ...serving, ...watched(serving.lm) };
};

/** Records the outcomes of an LM's completions, and signals when the next one starts. */
function watched(lm: LLaMa) {
  const outcomes: Promise<string>[] = [];
  let start = (): void => {};
  const next = () =>
    new Promise<void>((resolve) => {
      start = resolve;
    });
  const complete = lm.complete.bind(lm);
  lm.complete = (prompt, options) => {
    const running = complete(prompt, options);
    outcomes.push(
      running.then(
        ({ stopReason }) => stopReason,
        () => 'aborted',
      ),
    );
    start();
    return running;
  };
  return { outcomes, next };
}

t.test('a client disconnect cancels only its own requests', async (t) => {
  const { lm, server, post, outcomes, next } = await open(t);
  // Several at once: one is computed, the others wait. All but the last get aborted.
  for (const stream of [false, true]) {
    const controller = new AbortController();
    const { signal } = controller;
    const body = { ...endless, stream };
    const started = next();
    const abandoned = Array.from({ length: 3 }, () =>
      post('/v1/completions', body, { signal }).then(
        () => 'answered',
        ({ name }: Error) => name,
      ),
    );
    await started;
    const staying = post('/v1/completions', {
      prompt: 'The sky is',
      max_tokens: 2,
      temperature: 0,
    });
    await sleep(50);
    controller.abort();
    t.same(await Promise.all(abandoned), ['AbortError', 'AbortError', 'AbortError']);
    t.equal((await staying).status, 200);
    const found = await Promise.all(outcomes.splice(0));
    t.same(found.sort(), ['aborted', 'length'], 'those that waited never reach the LM');
  }
  const response = await fetch(`${server.url}/v1/completions`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ ...endless, stream: true }),
  });
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  t.same(await Promise.all(outcomes), ['aborted'], 'also in the middle of a stream');
  t.ok(await lm.complete('a', { maxTokens: 1 }));
});

t.test('a partial request is dropped when its client disconnects', async (t) => {
  const { server, get } = await open(t);
  const sending = request(`${server.url}/v1/completions`, { method: 'POST', headers });
  sending.on('error', () => {});
  sending.write('{"prompt": "a"');
  await sleep(20);
  sending.destroy();
  t.equal((await get('/health')).status, 200);
});

t.test('close finishes running requests and rejects new ones', async (t) => {
  const { server, post, next } = await open(t);
  const started = next();
  const running = post('/v1/completions', endless);
  const streaming = post('/v1/completions', { ...endless, stream: true });
  await started;
  await sleep(50);
  const closed = server.close();
  t.equal(server.close(), closed, 'idempotent');
  await t.rejects(fetch(`${server.url}/health`), 'the server no longer listens');
  const answers = await Promise.all([running, streaming]);
  t.same(
    answers.map(({ status }) => status),
    [200, 200],
  );
  t.equal(answers[0].json.usage.completion_tokens, endless.max_tokens);
  t.equal(eventsOf(t, answers[1]).at(-1).choices[0].finish_reason, 'length');
  await closed;
});

t.test('a request that is in flight when the server closes gets a 503', async (t) => {
  const { server, post, next } = await open(t);
  const started = next();
  const running = post('/v1/completions', endless);
  await started;
  const socket = connect(server.port, server.host);
  socket.write('GET /health HTTP/1.1\r\nHost: here\r\n');
  // A response on another connection implies that this one was read, too.
  await fetch(`${server.url}/health`);
  const closed = server.close();
  socket.write('\r\n');
  const answer = await textOf(socket);
  t.match(answer, /^HTTP\/1\.1 503 /);
  t.match(answer, /^connection: close\r$/im);
  t.match(answer, /"server_closing"/);
  t.equal((await running).status, 200);
  await closed;
});

t.test('abort cancels running requests', async (t) => {
  const { server, post, next, outcomes } = await open(t);
  const started = next();
  const running = post('/v1/completions', endless);
  const streaming = post('/v1/completions', { ...endless, stream: true });
  await started;
  await sleep(50);
  await server.abort();
  t.match(await running, { status: 503, json: { error: { code: 'server_closing' } } });
  const { text } = await streaming;
  t.match(text, /"server_closing"/);
  t.notMatch(text, '[DONE]');
  t.same(await Promise.all(outcomes), ['aborted']);
  await server.close();
});

t.test('a closed LM is reported as closed', async (t) => {
  const failures: unknown[] = [];
  await using lm = await LLaMa.load(defaultModelPath, oneThread);
  const onError = (error: unknown, id: string) => failures.push([error, id]);
  await using server = await serve(lm, { port: 0, onError });
  await lm.close();
  const body = JSON.stringify({ prompt: 'a' });
  const response = await fetch(`${server.url}/v1/completions`, { method: 'POST', headers, body });
  t.equal(response.status, 503);
  t.match(await response.json(), { error: { code: 'server_closing', type: 'server_error' } });
  t.match(failures, [[{ code: 'CLOSED' }, response.headers.get('x-request-id')]]);
});

t.test('several servers can serve one LM', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, oneThread);
  await using one = await serve(lm, { port: 0 });
  await using two = await serve(lm, { port: 0, host: '::1' }).catch(() => serve(lm, { port: 0 }));
  t.not(one.port, two.port);
  t.match(one.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  for (const { url } of [one, two]) t.equal((await fetch(`${url}/health`)).status, 200);
});

t.test('invalid options are rejected', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, oneThread);
  const rejects = async (options: object, message: RegExp): Promise<void> => {
    await t.rejects(serve(lm, options), { message });
  };
  await rejects({ port: -1 }, /^Expected an integer between 0 and 65535 for port, got -1$/);
  await rejects({ port: '80' }, /^Expected an integer for port/);
  await rejects({ host: '' }, /for host/);
  await rejects({ apiKey: '' }, /for apiKey/);
  await rejects(
    { apiKey: 'a b' },
    /^Expected printable ASCII without spaces for apiKey, got "3 char/,
  );
  await rejects({ bodyLimit: 0 }, /for bodyLimit/);
  await rejects({ alias: '' }, /for alias/);
  await rejects({ implicitBos: 1 }, /for implicitBos/);
  await rejects({ onError: 1 }, /for onError/);
  await rejects({ origins: true }, /the keys of options, got "origins"$/);
  await rejects({ pingInterval: -1 }, /^Expected an integer of at least 0 for pingInterval/);
  await rejects({ cors: true }, /^Expected a string for cors, got true$/);
  for (const origin of ['', 'null', 'example.com', 'https://a.b/', 'https://A.b', 'https://*']) {
    await rejects({ cors: ['*', origin] }, /for cors\[1\], got /);
  }
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
