// Streamed responses: server-sent events in OpenAI's format.

import type { Call } from '../served.js';
import { toHttpError } from './http-error.js';

/** Sends one event. */
export type Send = (data: unknown) => void;

const encoder = new TextEncoder();
const event = (data: string): Uint8Array => encoder.encode(`data: ${data}\n\n`);

/**
 * Runs `work`, which sends events until it settles. An error before the first event is thrown, so
 * that it becomes an ordinary error response; a later error is sent as the last event, in place of
 * `[DONE]`.
 */
export async function eventStream(
  call: Call,
  work: (send: Send) => Promise<void>,
): Promise<Response> {
  let markStarted = (): void => {};
  const started = new Promise<void>((resolve) => {
    markStarted = resolve;
  });
  let sink: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      sink = controller;
    },
    cancel() {
      sink = undefined;
      call.abort();
    },
  });
  const enqueue = (data: string): void => sink?.enqueue(event(data));
  const running = work((data) => {
    markStarted();
    enqueue(JSON.stringify(data));
  });
  const ended = running
    .then(
      () => enqueue('[DONE]'),
      (error: unknown) => enqueue(JSON.stringify(toHttpError(error).body)),
    )
    .finally(() => {
      // The sink is undefined if the client has disconnected.
      sink?.close();
      call.end();
    });
  await Promise.race([started, running]);
  void ended;
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' },
  });
}
