// Checks RPC servers before the engine connects to them: its client ends the process if one is not there, is of another
// protocol, or answers nothing. `Model.load` calls this.

import { createConnection } from 'node:net';
import { wrongRange, wrongType } from '../common/arguments.js';
import { ModelLoadError } from '../common/errors.js';

/** How long a server may take to answer, in milliseconds. */
const timeLimit = 10_000;

/** llama.cpp's first request: the command 14, the size of its body, and no capabilities. */
const hello = Buffer.alloc(1 + 8 + 24);
hello[0] = 14;
hello.writeBigUInt64LE(24n, 1);
/** The body of the answer: the version, in four bytes, and the server's capabilities. */
const answerSize = 4 + 24;

/** Validates addresses. Throws TypeError, or RangeError for one that is there twice. */
export function checkServerAddresses(servers: readonly string[], name: string): string[] {
  const twice = servers.findIndex((server, index) => servers.indexOf(server) < index);
  if (twice >= 0) throw wrongRange('each server once', `${name}[${twice}]`, servers[twice]);
  return servers.map((server, index) => {
    const { port } = split(server);
    if (/^[^\s:/@]+:\d{1,5}$/.test(server) && port >= 1 && port <= 65_535) return server;
    throw wrongType(
      'the host and port of a server, such as 10.0.0.2:50052,',
      `${name}[${index}]`,
      server,
    );
  });
}

const split = (server: string) => {
  const [host = '', port] = server.split(':');
  return { host, port: Number(port) };
};

/**
 * Resolves if all servers answer in llama.cpp's protocol, or are in use by another model of this process, whose
 * connection the engine shares: a server answers one client at a time.
 *
 * @param isConnected whether a model of this process uses a server. (Not imported: what reads options has no native
 * code.)
 * @throws ModelLoadError, which names the server and the reason
 */
export async function probeServers(
  servers: readonly string[],
  isConnected: (server: string) => boolean,
  signal?: AbortSignal,
): Promise<void> {
  const unknown = servers.filter((server) => !isConnected(server));
  const sockets = await Promise.all(unknown.map((server) => probe(server, isConnected, signal)));
  // The second connection to the same server would wait for the end of the first.
  const twice = sockets.findIndex((socket, index) => sockets.indexOf(socket) < index);
  if (twice < 0) return;
  const first = unknown[sockets.indexOf(sockets[twice] ?? '')];
  throw new ModelLoadError(`The RPC servers ${first} and ${unknown[twice]} are the same`);
}

/** Resolves to the server's IP address and port. */
function probe(
  server: string,
  isConnected: (server: string) => boolean,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { promise, resolve, reject } = withResolvers();
  const fail = (reason: string, cause?: unknown): void =>
    reject(new ModelLoadError(`The RPC server ${server} ${reason}`, { cause }));
  // The engine's client knows no IPv6.
  const socket = createConnection({ ...split(server), family: 4 });
  const stop = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  let received = Buffer.alloc(0);
  socket.setTimeout(timeLimit, () => {
    // A model that was loading at the same time can have connected first.
    if (isConnected(server)) resolve(server);
    fail(`does not answer within ${timeLimit / 1000} s; it may be serving another client`);
  });
  socket.once('connect', () => socket.write(hello));
  socket.once('error', (cause) => fail(`cannot be reached: ${cause.message}`, cause));
  socket.once('close', () => fail('closed the connection: it speaks another protocol'));
  socket.on('data', (data) => {
    received = Buffer.concat([received, data]);
    if (received.length < 8) return;
    if (received.readBigUInt64LE() !== BigInt(answerSize)) fail('speaks another protocol');
    else if (received.length >= 8 + answerSize) {
      resolve(`${socket.remoteAddress}:${socket.remotePort}`);
    }
  });
  return promise.finally(() => {
    signal?.removeEventListener('abort', stop);
    socket.destroy();
  });
}

function withResolvers() {
  let resolve = (_value: string): void => {};
  let reject = (_reason: unknown): void => {};
  const promise = new Promise<string>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
