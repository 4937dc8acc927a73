// RPC servers for check-rpc.mjs: llama.cpp's program on a free port of the loopback, and a proxy that cuts or spoils the
// connection to one at a given byte. The program's path is in AUTOCOG_RPC_SERVER.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether something accepts connections there. */
async function accepts(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

const running = new Set();
const killAll = () => {
  for (const child of running) child.kill('SIGKILL');
};

/** A running server program. */
export class RpcServer {
  static async start(port) {
    const server = new RpcServer(port ?? (await freePort()));
    const args = ['-t', '1', '-H', '127.0.0.1', '-p', String(server.port)];
    server.child = spawn(process.env.AUTOCOG_RPC_SERVER, args, { stdio: 'ignore' });
    // After the addon's own listener, which must not depend on it.
    if (running.size === 0) process.off('exit', killAll).on('exit', killAll);
    running.add(server.child);
    server.ended = once(server.child, 'exit').then(() => running.delete(server.child));
    for (let attempt = 0; !(await accepts(server.port)); attempt++) {
      if (attempt > 100) throw new Error(`${process.env.AUTOCOG_RPC_SERVER} does not start`);
      await sleep(100);
    }
    return server;
  }

  constructor(port) {
    this.port = port;
    this.address = `127.0.0.1:${port}`;
  }

  /** At once, from anywhere: the signal is sent before this returns. */
  kill() {
    this.child.kill('SIGKILL');
    return this.ended;
  }

  get runs() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** It stays connected, and does nothing. */
  pause() {
    this.child.kill('SIGSTOP');
  }

  resume() {
    this.child.kill('SIGCONT');
  }
}

/** Passes connections on to a server until `limit` bytes of requests, or of answers, have passed. */
export class CuttingProxy {
  static async start(server, { requests = Infinity, answers = Infinity, spoil = false } = {}) {
    const proxy = new CuttingProxy();
    Object.assign(proxy, { requests: 0, answers: 0, limits: { requests, answers }, spoil });
    proxy.sockets = new Set();
    proxy.listener = createServer((client) => proxy.pass(client, server.port));
    proxy.listener.listen(0, '127.0.0.1');
    await once(proxy.listener, 'listening');
    proxy.address = `127.0.0.1:${proxy.listener.address().port}`;
    return proxy;
  }

  pass(client, port) {
    const upstream = connect(port, '127.0.0.1');
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      this.sockets.add(socket);
      socket.setNoDelay(true).on('error', cut).on('close', cut);
    }
    client.on('data', (data) => this.forward('requests', data, upstream, cut));
    upstream.on('data', (data) => this.forward('answers', data, client, cut));
  }

  forward(direction, data, target, cut) {
    const left = this.limits[direction] - this[direction];
    this[direction] += data.length;
    if (data.length <= left) return target.write(data);
    if (this.spoil && left >= 0) {
      // One byte is wrong, and all that follow are right.
      data[left] ^= 0xff;
      return target.write(data);
    }
    if (this.spoil) return target.write(data);
    if (left > 0) target.write(data.subarray(0, left), cut);
    else cut();
  }

  close() {
    this.listener.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
