// Cross-origin requests: the headers that let web pages call the server.

import t from 'tap';
import { openDefault } from './rejections.js';
import type { Reply } from './serving.js';

const origin = 'https://page.example';
const completion = { prompt: 'a', max_tokens: 1 };
const corsHeaders = ({ headers }: Reply): string[] =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-') || name === 'vary');
const preflight = (from: string) => ({
  method: 'OPTIONS',
  headers: {
    origin: from,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,x-stainless-os',
  },
});

/** One response of each kind. */
async function replies(options: object, from: string): Promise<Reply[]> {
  const { get, post } = await openDefault(t, { apiKey: 'key', ...options });
  const headers = { origin: from, authorization: 'Bearer key' };
  return [
    await get('/health', { headers }),
    await get('/v1/models', { headers }),
    await post('/v1/completions', completion, { headers }),
    await post('/v1/completions', { ...completion, stream: true }, { headers }),
    await post('/v1/completions', {}, { headers }),
    await post('/v1/completions', '{', { headers }),
    await post('/v1/completions', completion, { headers: { origin: from } }),
    await get('/v1/completions', { headers }),
    await get('/nope', { headers }),
  ];
}

const statuses = [200, 200, 200, 200, 400, 400, 401, 405, 404];

t.test('without the option there are no such headers', async (t) => {
  const found = await replies({}, origin);
  t.same(
    found.map(({ status }) => status),
    statuses,
  );
  for (const reply of found) t.same(corsHeaders(reply), []);
  const { get } = await openDefault(t);
  const answer = await get('/v1/completions', preflight(origin));
  t.equal(answer.status, 405);
  t.same(corsHeaders(answer), []);
});

t.test('every response to a page of an allowed origin is readable for it', async (t) => {
  for (const [cors, allowed, vary] of [
    [['https://other.example', origin], origin, 'Origin'],
    [origin, origin, 'Origin'],
    ['*', '*', null],
  ] as const) {
    const found = await replies({ cors }, origin);
    t.same(
      found.map(({ status }) => status),
      statuses,
    );
    for (const { headers } of found) {
      t.equal(headers.get('access-control-allow-origin'), allowed);
      t.equal(headers.get('access-control-expose-headers'), 'x-request-id');
      t.equal(headers.get('vary'), vary);
      t.ok(headers.get('x-request-id'));
    }
    const [, , , stream] = found;
    t.match(stream?.text, /data: \[DONE\]\n\n$/);
    t.equal(stream?.headers.get('content-type'), 'text/event-stream');
  }
});

t.test('no response to another page is', async (t) => {
  for (const from of ['https://evil.example', 'https://page.example.evil', 'http://page.example']) {
    for (const reply of await replies({ cors: origin }, from)) {
      t.same(corsHeaders(reply), ['vary'], 'which keeps caches from mixing them up');
    }
  }
});

t.test('preflights are answered without a key', async (t) => {
  for (const cors of [origin, '*']) {
    const { get } = await openDefault(t, { apiKey: 'key', cors });
    for (const path of ['/v1/chat/completions', '/v1/models', '/health']) {
      const { status, text, headers } = await get(path, preflight(origin));
      t.equal(status, 204);
      t.equal(text, '');
      t.equal(headers.get('access-control-allow-origin'), cors);
      t.equal(headers.get('access-control-allow-methods'), 'GET, POST');
      t.equal(
        headers.get('access-control-allow-headers'),
        'authorization,content-type,x-stainless-os',
      );
      t.equal(headers.get('access-control-max-age'), '7200');
      t.match(headers.get('vary'), 'Access-Control-Request-Headers');
      t.equal(/\bOrigin\b/.test(headers.get('vary') ?? ''), cors !== '*');
    }
  }
  const { get } = await openDefault(t, { cors: origin });
  t.same(corsHeaders(await get('/v1/models', preflight('https://evil.example'))), ['vary']);
  const plain = await get('/v1/models', { method: 'OPTIONS', headers: { origin } });
  t.equal(plain.status, 405, 'an OPTIONS request that is no preflight');
  t.equal(plain.headers.get('access-control-allow-origin'), origin);
});
