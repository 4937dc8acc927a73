// Requests that are invalid as HTTP: content type, encoding, path, method, size or framing.

import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import t from 'tap';
import { checkRejected, openDefault, postRoutes } from './rejections.js';

const completion = { prompt: 'a', max_tokens: 1 };

t.test('a body that is not JSON, or has another content type, is rejected', async (t) => {
  const { post } = await openDefault(t);
  for (const path of postRoutes) {
    for (const body of ['', '{', 'null', '[]', '"a"', '1', 'undefined', '{"a":1}x', '\u0000']) {
      checkRejected(t, await post(path, body), { status: 400 });
    }
    const bytes = new Uint8Array([0x22, 0xff, 0x22]);
    const headers = { 'content-type': 'application/json' };
    const broken = await post(path, '', { body: bytes, headers });
    checkRejected(t, broken, { status: 400, code: 'invalid_json', message: /UTF-8/ });
    const cut = await post(path, '{"a":');
    checkRejected(t, cut, { status: 400, code: 'invalid_json', message: /Unexpected end/ });
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonx',
      '',
    ]) {
      const other = await post(path, '{}', { headers: { 'content-type': type } });
      checkRejected(t, other, { status: 415, code: 'unsupported_media_type' });
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

t.test('unknown paths and methods are rejected', async (t) => {
  const { get, post } = await openDefault(t);
  for (const path of [
    '/',
    '/v1',
    '/v1/completions/',
    '/completion',
    '/v1/chat',
    '/..%2f',
    '/%ff',
  ]) {
    checkRejected(t, await get(path), { status: 404, code: 'not_found' });
  }
  for (const path of postRoutes) {
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      const reply = await get(path, { method });
      checkRejected(t, reply, { status: 405, code: 'method_not_allowed' });
      t.equal(reply.headers.get('allow'), 'POST');
    }
  }
  for (const path of ['/v1/models', '/tokenizer_info', '/health']) {
    const reply = await post(path, {});
    checkRejected(t, reply, { status: 405 });
    t.equal(reply.headers.get('allow'), 'GET');
  }
});

t.test('an oversized body is not read', async (t) => {
  const { post, server } = await openDefault(t, { bodyLimit: 1000 });
  const sized = (size: number) =>
    JSON.stringify({ content: '' }).replace('""', `"${'a'.repeat(size - 14)}"`);
  t.equal(sized(1000).length, 1000);
  t.equal((await post('/tokenize', sized(1000))).status, 200);
  checkRejected(t, await post('/tokenize', sized(1001)), { status: 413, code: 'body_too_large' });
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
  t.equal(response.status, 413, 'also without a content length');
  await response.text();
});

t.test('malformed HTTP closes only its own connection', async (t) => {
  const { server, get } = await openDefault(t);
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
