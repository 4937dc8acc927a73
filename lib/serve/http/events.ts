// Answers that come in pieces: server-sent events, as OpenAI streams them.

import type { Call } from '../served.js';
import { toHttpError } from './http-error.js';

/** Sends one event. */
export type Send = (data: unknown) => void;

const encoder = new TextEncoder();
const event = (data: string): Uint8Array => encoder.encode(`data: ${data}\n\n`);

/**
 * Has `work` send events until it is over. What fails before the first of them is thrown, so that
 * it is answered as any failure; after that it is the last event, in place of `[DONE]`.
 */
export async function eventStream(
  call: Call,
  work: (send: Send) => Promise<void>,
): Promise<Response> {
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let target: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      target = controller;
    },
    cancel() {
      target = undefined;
      call.abort();
    },
  });
  const write = (data: string): void => target?.enqueue(event(data));
  const working = work((data) => {
    begin();
    write(JSON.stringify(data));
  });
  const ended = working
    .then(
      () => write('[DONE]'),
      (error: unknown) => write(JSON.stringify(toHttpError(error).body)),
    )
    .finally(() => {
      // Where the client has gone there is nobody to tell.
      target?.close();
      call.end();
    });
  await Promise.race([begun, working]);
  void ended;
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' },
  });
}
