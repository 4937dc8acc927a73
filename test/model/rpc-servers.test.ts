// RPC servers: addresses are validated, and a server that is not there, or is none of llama.cpp's, is a typed error.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { defaultModelPath, Model } from 'autocog-lm';
import t, { type Test } from 'tap';
import { probeServers } from '../../lib/model/rpc-servers.js';

/** No other model uses a server. */
const isConnected = (): boolean => false;

/** A server that answers each connection like this; returns its address. */
async function listening(t: Test, answer: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    answer(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('an address is a host and a port', async (t) => {
  for (const server of [
    '',
    'host',
    'host:',
    ':50052',
    'host:0',
    'host:65536',
    'host:1:2',
    'a b:1',
  ]) {
    await t.rejects(Model.load(defaultModelPath, { rpcServers: [server] }), {
      name: 'TypeError',
      message:
        /^Expected the host and port of a server, such as 10\.0\.0\.2:50052, for rpcServers\[0\]/,
    });
  }
});

t.test('an address is there once', async (t) => {
  const rpcServers = ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:1'];
  await t.rejects(Model.load(defaultModelPath, { rpcServers }), {
    name: 'RangeError',
    message: 'Expected each server once for rpcServers[2], got "127.0.0.1:1"',
  });
});

/** A server that answers a greeting in llama.cpp's protocol, in two parts. */
const greeting = (t: Test, onRequest = (_data: Buffer): void => {}): Promise<string> =>
  listening(t, (socket) => {
    socket.on('data', (data) => {
      onRequest(data);
      const answer = Buffer.alloc(8 + 28);
      answer.writeBigUInt64LE(28n);
      socket.write(answer.subarray(0, 5));
      setTimeout(() => socket.write(answer.subarray(5)), 10);
    });
  });

t.test('a server that answers in the protocol passes', async (t) => {
  const requests: Buffer[] = [];
  const server = await greeting(t, (data) => requests.push(data));
  await probeServers([server], isConnected);
  t.equal(requests[0]?.length, 33);
  t.equal(requests[0]?.[0], 14);
});

t.test('other servers are named, with the reason', async (t) => {
  const http = await listening(t, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const closing = await listening(t, (socket) => socket.end());
  const cases = [
    [http, /^The RPC server 127\.0\.0\.1:\d+ speaks another protocol/],
    [closing, /closed the connection: it speaks another protocol/],
    ['127.0.0.1:1', /cannot be reached: .*ECONNREFUSED/],
    ['no-such-host.invalid:50052', /cannot be reached: getaddrinfo/],
  ] as const;
  for (const [server, message] of cases) {
    await t.rejects(probeServers([server], isConnected), {
      name: 'ModelLoadError',
      code: 'MODEL_LOAD',
      message,
    });
  }
});

t.test('two names of a server are refused', async (t) => {
  const server = await greeting(t);
  const other = await greeting(t);
  await probeServers([server, other], isConnected);
  const alias = server.replace('127.0.0.1', 'localhost');
  await t.rejects(probeServers([server, other, alias], isConnected), {
    code: 'MODEL_LOAD',
    message: `The RPC servers ${server} and ${alias} are the same`,
  });
});

t.test('a silent server can be aborted', async (t) => {
  const silent = await listening(t, () => {});
  const controller = new AbortController();
  const probing = probeServers([silent], isConnected, controller.signal);
  controller.abort(new Error('enough'));
  await t.rejects(probing, { message: 'enough' });
});

t.test('a build without the RPC backend says how to get one', async (t) => {
  await t.rejects(Model.load(defaultModelPath, { rpcServers: ['127.0.0.1:1'] }), {
    message: /no RPC backend; build one with: npx autocog-lm build --rpc|cannot be reached/,
  });
});
