// What clients can take of a server: how many may wait, in which order, how much of a stream they
// may leave unread, how long a request may take, and under which names the server may be called.

import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultModelPath, type LLaMa, Model } from 'autocog-lm';
import type { ServeOptions } from 'autocog-lm/serve';
import t, { type Test } from 'tap';
import { eventsOf, startServing } from './serving.js';

/** The biased token never ends generation. */
const endless = { prompt: 'a', max_tokens: 500, temperature: 0, logit_bias: { 300: 100 } };
const short = { prompt: 'a', max_tokens: 1, temperature: 0 };
const route = '/v1/completions';

const open = async (t: Test, options?: ServeOptions) => {
  const model = await Model.load(defaultModelPath);
  t.teardown(() => model.close());
  return startServing(t, model, options);
};

/** Resolves when the LM's next completion begins. */
function nextCompletion(lm: LLaMa): Promise<void> {
  const complete = lm.complete.bind(lm);
  return new Promise((resolve) => {
    lm.complete = (...args) => {
      resolve();
      return complete(...args);
    };
  });
}

t.test('requests beyond the limit are answered with 503 and Retry-After', async (t) => {
  const { lm, post, get } = await open(t, { maxWaiting: 2 });
  const started = nextCompletion(lm);
  const running = [post(route, endless)];
  await started;
  running.push(post(route, short), post(route, { ...short, stream: true }));
  await sleep(50);
  const refused = await post(route, short);
  t.match(refused, { status: 503, json: { error: { code: 'server_busy', type: 'server_error' } } });
  t.match(refused.headers.get('retry-after'), /^[1-9]\d?$/);
  t.equal((await post('/v1/choose', { prompt: 'a', choices: ['b'] })).status, 503);
  t.equal((await get('/health')).status, 200, 'the server still answers');
  const answers = await Promise.all(running);
  t.strictSame(
    answers.map(({ status }) => status),
    [200, 200, 200],
  );
  t.equal((await post(route, short)).status, 200, 'and takes requests again');
});

t.test('with no room to wait, one request is served at a time', async (t) => {
  const { lm, post } = await open(t, { maxWaiting: 0 });
  const started = nextCompletion(lm);
  const running = post(route, endless);
  await started;
  t.equal((await post(route, short)).status, 503);
  t.equal((await running).status, 200);
  t.equal((await post(route, short)).status, 200);
});

t.test('short requests pass long ones that wait, which still get their turn', async (t) => {
  const { lm, post } = await open(t);
  const order: string[] = [];
  const note = (name: string) => () => void order.push(name);
  const started = nextCompletion(lm);
  const requests = [post(route, endless).then(note('running'))];
  await started;
  requests.push(post(route, endless).then(note('long')));
  await sleep(30);
  requests.push(post(route, short).then(note('short')));
  requests.push(post('/v1/choose', { prompt: 'a', choices: ['b', 'c'] }).then(note('choose')));
  await Promise.all(requests);
  t.equal(order[0], 'running');
  t.equal(order.at(-1), 'long', order.join());
});

t.test('a client that waits and leaves is no longer in the queue', async (t) => {
  const { lm, post } = await open(t, { maxWaiting: 1 });
  const started = nextCompletion(lm);
  const running = post(route, endless);
  await started;
  const controller = new AbortController();
  const waiting = post(route, endless, { signal: controller.signal });
  await sleep(30);
  controller.abort();
  await t.rejects(waiting, { name: 'AbortError' });
  await sleep(30);
  t.equal((await post(route, short)).status, 200);
  t.equal((await running).status, 200);
});

t.test('the work for a stream that nobody reads is canceled', async (t) => {
  const { server, post } = await open(t, { streamBuffer: 50_000 });
  const body = JSON.stringify({ ...endless, logprobs: 1000, max_tokens: 400, stream: true });
  const socket = connect(server.port, server.host);
  socket.pause();
  socket.write(
    `POST ${route} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  // Its turn ends long before its 400 tokens with 1000 alternatives each are generated.
  await sleep(200);
  t.equal((await post(route, short)).status, 200);
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.resume();
  await once(socket, 'close');
  t.match(text, /"code":"client_too_slow"/, 'if it reads on after all, it learns of it');
  t.notMatch(text, /\[DONE\]/);
  const events = eventsOf(
    t,
    await post(route, { ...endless, max_tokens: 50, logprobs: 5, stream: true }),
  );
  t.equal(events.at(-1).choices[0].finish_reason, 'length', 'one that is read is not limited');
});

t.test('a request that takes too long ends', async (t) => {
  const { post } = await open(t, { requestTimeout: 1000 });
  const timedOut = { status: 504, json: { error: { code: 'request_timeout' } } };
  const many = { ...endless, n: 128 };
  t.match(await post(route, many), timedOut);
  const streamed = await post(route, { ...many, stream: true });
  t.match(streamed.text, /"request_timeout"/);
  t.notMatch(streamed.text, '[DONE]');
  t.match((await post('/tokenize', { content: 'a' })).status, 200);
});

t.test('a request whose body never ends takes no longer', async (t) => {
  const { server } = await open(t, { requestTimeout: 30 });
  const sending = request(`${server.url}${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  sending.on('error', () => {});
  sending.write('{');
  const [response] = await once(sending, 'response');
  t.equal(response.statusCode, 504);
  sending.destroy();
});

t.test('a response that nobody reads is given up after the time limit', async (t) => {
  const { server } = await open(t, { requestTimeout: 300 });
  const content = 'The sky is blue. '.repeat(200_000);
  const body = JSON.stringify({ content, with_pieces: true });
  const socket = connect(server.port, server.host);
  socket.on('error', () => {});
  socket.pause();
  socket.write(
    `POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await sleep(200);
  // It would wait for the response otherwise.
  await server.close();
  socket.destroy();
});

t.test('without a key, only its own names reach the server', async (t) => {
  const { server } = await open(t, { allowedHosts: ['Models.Example.com'] });
  const { port } = server;
  const statusFor = async (host: string, path = '/v1/models', headers = {}): Promise<number> => {
    const asking = request({ port, host: server.host, path, headers: { host, ...headers } });
    asking.end();
    const [response] = await once(asking, 'response');
    response.resume();
    return response.statusCode;
  };
  const own = ['localhost', '127.0.0.1', '[::1]', '192.168.0.7', 'app.localhost', 'LOCALHOST.'];
  for (const host of [...own, 'models.example.com', 'models.example.com.']) {
    t.equal(await statusFor(host), 200, host);
    t.equal(await statusFor(`${host}:${port}`), 200, host);
  }
  const others = ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '[', '*'];
  for (const host of others) {
    t.ok((await statusFor(host)) >= 400, host);
    t.ok((await statusFor(`${host}:${port}`)) >= 400, `${host}:${port}`);
  }
  t.equal(await statusFor('evil.example', '/health'), 200, 'which tells nothing');
});

t.test('with a key, or with any host allowed, no name is checked', async (t) => {
  for (const options of [{ apiKey: 'key' }, { allowedHosts: '*' }]) {
    const { server } = await open(t, options);
    const headers = { host: 'evil.example', authorization: 'Bearer key' };
    const asking = request({ port: server.port, path: '/v1/models', headers });
    asking.end();
    const [response] = await once(asking, 'response');
    response.resume();
    t.equal(response.statusCode, 200);
  }
});

t.test('grammars and schemas of megabytes do not hold up other requests', async (t) => {
  const { post, get } = await open(t);
  const rules = Array.from({ length: 60_000 }, (_, index) => `r${index} ::= "x" | "y"`);
  const names = Array.from({ length: 60_000 }, (_, index) => `r${index}`);
  const grammar = `root ::= ${names.join(' | ')}\n${rules.join('\n')}`;
  let isDone = false;
  const running = post(route, { ...short, grammar }).finally(() => {
    isDone = true;
  });
  let answered = 0;
  while (!isDone) {
    t.equal((await get('/health')).status, 200);
    if (!isDone) answered++;
  }
  t.equal((await running).status, 200);
  t.ok(answered > 3, `${answered} requests were answered meanwhile`);
});
