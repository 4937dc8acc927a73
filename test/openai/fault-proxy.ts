// An HTTP proxy before a real server that can spoil any of its answers, for tests of what a client
// makes of that. It hands on what was not spoiled as it came.

import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of one answer. */
export type Fault =
  /** Nothing. */
  | { kind: 'none' }
  /** Another answer, and the real server is not asked. */
  | { kind: 'respond'; status: number; headers?: Record<string, string>; body?: string }
  /** The connection ends before there is an answer. */
  | { kind: 'drop' }
  /** So much of the body comes, of 1, and then the connection ends: as if all were well, or not. */
  | { kind: 'truncate'; part: number; clean: boolean }
  /** So much of the body comes and then nothing, for ever; of a negative part not even headers. */
  | { kind: 'stall'; part: number }
  /** A part of the body that has so much before it is something else. */
  | { kind: 'garble'; part: number }
  /** The body comes in pieces of so many bytes. */
  | { kind: 'split'; size: number }
  /** It comes byte by byte, so many milliseconds apart. */
  | { kind: 'slow'; pause: number };

const busy: Fault = { kind: 'respond', status: 429, headers: { 'retry-after': '0' } };

/** What may be better the next time. */
export const transientFaults: readonly Fault[] = [
  busy,
  { kind: 'respond', status: 408 },
  { kind: 'respond', status: 409 },
  { kind: 'respond', status: 500, body: 'no JSON' },
  { kind: 'respond', status: 503, headers: { 'retry-after-ms': '1' } },
  { kind: 'respond', status: 502, body: '' },
  { kind: 'respond', status: 200, body: '{"error":{"message":"overloaded","code":503}}' },
  { kind: 'respond', status: 200, body: '<html>' },
  { kind: 'respond', status: 200, body: '' },
  { kind: 'respond', status: 200, body: 'null' },
  { kind: 'drop' },
  { kind: 'truncate', part: 0, clean: true },
  { kind: 'truncate', part: 0, clean: false },
  { kind: 'truncate', part: 0.5, clean: true },
  { kind: 'truncate', part: 0.5, clean: false },
  { kind: 'garble', part: 0.3 },
  { kind: 'stall', part: -1 },
  { kind: 'stall', part: 0 },
  { kind: 'stall', part: 0.7 },
];

/** A request as the proxy saw it. */
export interface SeenRequest {
  path: string;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
}

/** Says what becomes of the answer to a request; undefined: whatever is next in the queue. */
export type Rule = (seen: SeenRequest) => Fault | undefined;

const none: Fault = { kind: 'none' };

/** The proxy. */
export class FaultProxy implements AsyncDisposable {
  /** What becomes of the next answers, in order; of those after them nothing. */
  readonly faults: Fault[] = [];
  /** Asked first, for each request. */
  rule: Rule = () => undefined;
  /** Every request so far. */
  readonly seen: SeenRequest[] = [];
  /** How often the client went before the answer was whole. */
  abandoned = 0;
  readonly #target: string;
  readonly #server: Server;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((asked, response) => {
      this.#serve(asked, response).catch(() => response.destroy());
    });
  }

  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** Where it listens, with the `/v1` of the server. */
  get baseURL(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** How many connections are open. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  }

  /** Waits until something holds, looking again at every turn. */
  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = asked.url ?? '';
    const sent = (await bytesOf(asked)).toString();
    const seen = { path, headers: asked.headers, body: sent === '' ? {} : JSON.parse(sent) };
    this.seen.push(seen);
    const fault = this.rule(seen) ?? this.faults.shift() ?? none;
    let isGone = false;
    response.on('close', () => {
      isGone = !response.writableEnded;
      const isOurs = fault.kind === 'drop' || fault.kind === 'truncate';
      if (isGone && !isOurs) this.abandoned++;
    });
    if (fault.kind === 'drop') return void response.destroy();
    if (fault.kind === 'stall' && fault.part < 0) return;
    const id = { 'x-request-id': `request-${this.seen.length}` };
    if (fault.kind === 'respond') {
      response.writeHead(fault.status, {
        'content-type': 'application/json',
        ...id,
        ...fault.headers,
      });
      return void response.end(fault.body ?? '{"error":{"message":"as you wished"}}');
    }
    const answer = await ask(`${this.#target}${path}`, asked.method ?? 'POST', sent);
    response.writeHead(answer.status, { 'content-type': answer.type, ...id });
    response.flushHeaders();
    await inject(response, answer.body, fault, () => isGone);
  }
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** The real server's answer, by a connection of its own: one that is kept may just be closing. */
async function ask(url: string, method: string, body: string) {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const asked = request(url, { method, headers, agent: false }).end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const type = answer.headers['content-type'] ?? 'text/plain';
  return { status: answer.statusCode ?? 500, type, body: await bytesOf(answer) };
}

async function inject(
  response: ServerResponse,
  body: Buffer,
  fault: Fault,
  isGone: () => boolean,
): Promise<void> {
  const cut = 'part' in fault ? Math.floor(body.length * fault.part) : body.length;
  const head = body.subarray(0, cut);
  if (fault.kind === 'truncate' && fault.clean) return void response.end(head);
  if (fault.kind === 'truncate') {
    return void response.write(head, () => setImmediate(() => response.destroy()));
  }
  if (fault.kind === 'stall') return void response.write(head);
  if (fault.kind === 'garble') {
    return void response.end(Buffer.concat([head, Buffer.from('}{"\n\n'), body.subarray(cut + 5)]));
  }
  const size = fault.kind === 'split' ? fault.size : fault.kind === 'slow' ? 1 : body.length;
  const pause = fault.kind === 'slow' ? fault.pause : 0;
  for (let start = 0; start < body.length && !isGone(); start += size) {
    response.write(body.subarray(start, start + size));
    if (size === body.length) continue;
    await new Promise((resolve) =>
      pause > 0 ? setTimeout(resolve, pause) : setImmediate(resolve),
    );
  }
  response.end();
}
