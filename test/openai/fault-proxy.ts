// An HTTP proxy in front of a real server that can corrupt any of its responses, for tests of error
// handling in clients. Other responses pass through unchanged.

import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** What to do with one response. */
export type Fault =
  /** Pass it through. */
  | { kind: 'none' }
  /** Send this response without contacting the real server. */
  | { kind: 'respond'; status: number; headers?: Record<string, string>; body?: string }
  /** Close the connection before responding. */
  | { kind: 'drop' }
  /**
   * Send this fraction of the body, then end the response, cleanly or by closing the connection.
   */
  | { kind: 'truncate'; part: number; clean: boolean }
  /** Send this fraction of the body, then nothing, forever; if negative, not even headers. */
  | { kind: 'stall'; part: number }
  /** Corrupt the body after this fraction. */
  | { kind: 'garble'; part: number }
  /** Send the body in chunks of this many bytes. */
  | { kind: 'split'; size: number }
  /** Send the body byte by byte, with a pause of this many milliseconds. */
  | { kind: 'slow'; pause: number };

const busy: Fault = { kind: 'respond', status: 429, headers: { 'retry-after': '0' } };

/** Faults after which a retry may succeed. */
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

/** A request as the proxy received it. */
export interface SeenRequest {
  path: string;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
}

/** The fault for a request; undefined for the next one in the queue. */
export type Rule = (seen: SeenRequest) => Fault | undefined;

const none: Fault = { kind: 'none' };

/** The proxy. */
export class FaultProxy implements AsyncDisposable {
  /** The faults for the next responses, in order; later responses pass through. */
  readonly faults: Fault[] = [];
  /** Takes precedence over the queue, for each request. */
  rule: Rule = () => undefined;
  /** All requests so far. */
  readonly seen: SeenRequest[] = [];
  /** How often the client disconnected before the response was complete. */
  abandoned = 0;
  readonly #target: string;
  readonly #server: Server;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((incoming, response) => {
      this.#serve(incoming, response).catch(() => response.destroy());
    });
  }

  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The proxy's base URL, including `/v1`. */
  get baseURL(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** The number of open connections. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  }

  /** Polls until a condition holds. */
  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = incoming.url ?? '';
    const sent = (await bytesOf(incoming)).toString();
    const seen = { path, headers: incoming.headers, body: sent === '' ? {} : JSON.parse(sent) };
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
      return void response.end(fault.body ?? '{"error":{"message":"injected fault"}}');
    }
    const answer = await forward(`${this.#target}${path}`, incoming.method ?? 'POST', sent);
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

/** The real server's response, over a new connection: a kept-alive one may just be closing. */
async function forward(url: string, method: string, body: string) {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const outgoing = request(url, { method, headers, agent: false }).end(body);
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
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
