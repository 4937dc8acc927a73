// `serve`: the routes of `app.ts` on a port, from listening to the last answer.

import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { wrongType } from '../common/arguments.js';
import { ClosedError } from '../common/errors.js';
import { LLaMa } from '../llama.js';
import { type Host, makeApp } from './app.js';
import { closing } from './http/http-error.js';
import { readServeOptions, type ServeOptions, type ServeSettings } from './options.js';
import { type Call, Served } from './served.js';

/** A server that listens. */
export class ScoringServer implements AsyncDisposable {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
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
   * Takes no more requests, and resolves when those that run are answered. The LM stays the
   * caller's to close. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** {@link close}, and ends what runs: those requests are answered with 503. */
  abort(): Promise<void> {
    const closed = this.close();
    this.#calls.abort();
    return closed;
  }

  /** {@link close}, for `await using`. */
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

/** The calls that run. */
class Calls implements Host {
  isClosing = false;
  readonly #running = new Set<AbortController>();

  begin(gone: AbortSignal): Call {
    const controller = new AbortController();
    const leave = (): void => controller.abort(gone.reason);
    this.#running.add(controller);
    if (gone.aborted) leave();
    gone.addEventListener('abort', leave, { once: true });
    return {
      signal: controller.signal,
      abort: leave,
      end: () => {
        this.#running.delete(controller);
        gone.removeEventListener('abort', leave);
      },
    };
  }

  abort(): void {
    for (const controller of this.#running) controller.abort(closing());
  }
}

/**
 * Serves an LM over HTTP: OpenAI's completions, with `echo` and `logprobs`, its chat and its
 * embeddings, a tokenizer, and `choose`. Resolves when it listens.
 *
 * @throws TypeError, RangeError for options that are not what their comments say; what the LM's
 * `ready` rejects with; Node's own error where it cannot listen there, such as `EADDRINUSE`
 * @example
 * await using server = await serve(lm, { port: 0 });
 * await fetch(`${server.url}/health`);
 */
export async function serve(lm: LLaMa, options?: ServeOptions): Promise<ScoringServer> {
  if (!(lm instanceof LLaMa)) throw wrongType('a LLaMa', 'lm', lm);
  const settings = readServeOptions(options);
  if (lm.closed) throw new ClosedError('The LM is closed');
  await lm.ready;
  const calls = new Calls();
  const server = listenerOf(lm, settings, calls);
  const listening = once(server, 'listening');
  server.listen(settings.port, settings.host);
  await listening;
  return new ScoringServer(server, settings.host, calls);
}

function listenerOf(lm: LLaMa, settings: ServeSettings, calls: Calls): Server {
  const { alias, implicitBos } = settings;
  const name = alias ?? lm.model.info.fileName.replace(/\.gguf$/i, '');
  const app = makeApp(new Served(lm, name, implicitBos), settings, calls);
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
  server.on('request', (_request, response) => {
    response.once('close', () => {
      // A connection that was busy when the server closed is kept for a next request.
      if (calls.isClosing) setImmediate(() => server.closeIdleConnections());
    });
  });
  return server;
}
