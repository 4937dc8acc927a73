// Starts a server for the duration of a test, and sends requests to it.

import { LLaMa, type LLaMaOptions, type Model } from 'autocog-lm';
import { type ScoringServer, type ServeOptions, serve } from 'autocog-lm/serve';
import type { Test } from 'tap';
import { oneThread } from '../support/forms.js';

/** A response. */
export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed text; undefined if it is not JSON. */
  json: Json;
}

/** Untyped JSON; the test knows its structure. */
export type Json = ReturnType<typeof JSON.parse>;

/** A listening server, and the LM behind it. */
export interface Serving {
  lm: LLaMa;
  server: ScoringServer;
  post(path: string, body: unknown, init?: RequestInit): Promise<Reply>;
  get(path: string, init?: RequestInit): Promise<Reply>;
}

/** Serves a model until the test ends. */
export async function startServing(
  t: Test,
  model: Model,
  options: ServeOptions = {},
  context: LLaMaOptions = oneThread,
): Promise<Serving> {
  const lm = new LLaMa(model, context);
  const server = await serve(lm, {
    port: 0,
    onError: (error) => t.fail(String(error)),
    ...options,
  });
  t.teardown(async () => {
    await server.abort();
    await lm.close();
  });
  const request = async (path: string, init: RequestInit): Promise<Reply> => {
    const response = await fetch(server.url + path, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  };
  return {
    lm,
    server,
    get: (path, init = {}) => request(path, init),
    post: (path, body, { headers, ...init } = {}) =>
      request(path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
        ...init,
      }),
  };
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The events of a stream, which must end with `[DONE]`. */
export function eventsOf(t: Test, { text }: Reply): Json[] {
  const lines = text.split('\n\n').filter((line) => line !== '');
  t.equal(lines.pop(), 'data: [DONE]');
  return lines.map((line) => JSON.parse(line.replace(/^data: /, '')));
}
