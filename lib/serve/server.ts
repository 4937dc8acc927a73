// `serve`: serves the routes of `app.ts` on a port, from listening to a graceful shutdown.

import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { wrongType } from '../common/arguments.js';
import { ClosedError } from '../common/errors.js';
import { checkPeers, requirePeer } from '../common/peers.js';
import { LLaMa } from '../llama.js';
import { type Host, makeApp } from './app.js';
import { requestTimedOut, serverClosing } from './http/http-error.js';
import { readServeOptions, type ServeOptions, type ServeSettings } from './options.js';
import { Served } from './served.js';

/** How long an error response has to reach its client after the time limit, in milliseconds. */
const grace = 1000;

/** A listening server. */
export class ScoringServer implements AsyncDisposable {
  /** The server's base URL, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly #server: Server;
  readonly #calls: Calls;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(server: Server, host: string, calls: Calls) {
    const { address, family, port } = server.address() as AddressInfo;
    this.host = host;
    this.port = port;
    this.url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
    this.#server = server;
    this.#calls = calls;
  }

  /**
   * Stops accepting requests, and resolves when all running requests are answered. The caller
   * still owns the LM and closes it. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Like {@link close}, but aborts running requests, which are answered with 503. */
  abort(): Promise<void> {
    const closed = this.close();
    this.#calls.abort();
    return closed;
  }

  /** Calls {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#calls.isClosing = true;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeIdleConnections();
    await closed;
  }
}

/** The requests in progress. */
class Calls implements Host {
  isClosing = false;
  readonly #running = new Set<AbortController>();
  readonly #timeout: number;

  /** @param timeout the time limit for a request, in milliseconds; 0 for none */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  get running(): number {
    return this.#running.size;
  }

  begin(clientSignal: AbortSignal): ReturnType<Host['begin']> {
    const controller = new AbortController();
    const cancel = (): void => controller.abort(clientSignal.reason);
    const expire = (): void => controller.abort(requestTimedOut(this.#timeout));
    const timer = this.#timeout > 0 ? setTimeout(expire, this.#timeout) : undefined;
    this.#running.add(controller);
    if (clientSignal.aborted) cancel();
    clientSignal.addEventListener('abort', cancel, { once: true });
    return {
      signal: controller.signal,
      abort: (reason) => controller.abort(reason ?? clientSignal.reason),
      end: () => {
        clearTimeout(timer);
        this.#running.delete(controller);
        clientSignal.removeEventListener('abort', cancel);
      },
    };
  }

  abort(): void {
    for (const controller of this.#running) controller.abort(serverClosing());
  }
}

/**
 * Serves an LM over HTTP: OpenAI's completions with `echo` and `logprobs`, chat completions and
 * embeddings, a tokenizer, and `choose`. Resolves when the server listens.
 *
 * @throws TypeError, RangeError for invalid options; NotSupportedError for a chat template that
 * cannot be parsed; LMError `PEER_MISSING` without the packages hono and @hono/node-server; the error that the LM's `ready` rejects with;
 * Node's own error if it cannot listen, such as `EADDRINUSE`
 * @example
 * await using server = await serve(lm, { port: 0 });
 * await fetch(`${server.url}/health`);
 */
export async function serve(lm: LLaMa, options?: ServeOptions): Promise<ScoringServer> {
  if (!(lm instanceof LLaMa)) throw wrongType('a LLaMa', 'lm', lm);
  const settings = readServeOptions(options);
  checkPeers(['hono', '@hono/node-server'], 'serve');
  if (lm.closed) throw new ClosedError('The LM is closed');
  await lm.ready;
  const calls = new Calls(settings.requestTimeout);
  const server = createListener(lm, settings, calls);
  const listening = once(server, 'listening');
  server.listen(settings.port, settings.host);
  await listening;
  return new ScoringServer(server, settings.host, calls);
}

function createListener(lm: LLaMa, settings: ServeSettings, calls: Calls): Server {
  const app = makeApp(new Served(lm, settings), settings, calls);
  const { createAdaptorServer } = requirePeer<typeof import('@hono/node-server')>(
    '@hono/node-server',
    'serve',
  );
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
  const { requestTimeout } = settings;
  server.on('request', (_request, response) => {
    // For a client that does not read its response, which has been computed in time.
    const expire = (): void => void response.destroy();
    const timer = requestTimeout > 0 ? setTimeout(expire, requestTimeout + grace) : undefined;
    response.once('close', () => {
      clearTimeout(timer);
      // Node keeps a connection that was busy at close alive for a next request.
      if (calls.isClosing) setImmediate(() => server.closeIdleConnections());
    });
  });
  return server;
}
