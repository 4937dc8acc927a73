// Streamed responses: server-sent events in OpenAI's format, with comments that keep a connection
// alive while there is nothing to send.

import type { Call } from '../served.js';
import { toHttpError } from './http-error.js';

/** Sends one event. */
export type Send = (data: unknown) => void;

/** How long the headers wait for a first event or an immediate failure, in milliseconds. */
const grace = 100;

const encoder = new TextEncoder();
const eventOf = (data: string): Uint8Array => encoder.encode(`data: ${data}\n\n`);

/** A comment, which clients skip. */
const ping = encoder.encode(': ping\n\n');

/** The body of a streamed response. */
class EventBody {
  readonly stream: ReadableStream<Uint8Array>;
  /** Undefined once the stream is closed or the client has disconnected. */
  #sink: ReadableStreamDefaultController<Uint8Array> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param pingInterval milliseconds of silence before a ping; 0 for no pings */
  constructor(pingInterval: number, onCancel: () => void) {
    this.stream = new ReadableStream<Uint8Array>({
      start: (sink) => {
        this.#sink = sink;
      },
      cancel: () => {
        this.#drop();
        onCancel();
      },
    });
    if (pingInterval > 0) this.#timer = setInterval(() => this.#ping(), pingInterval);
  }

  send(data: string): void {
    this.#sink?.enqueue(eventOf(data));
    this.#timer?.refresh();
  }

  close(): void {
    this.#sink?.close();
    this.#drop();
  }

  #ping(): void {
    // A client that does not read would otherwise collect them.
    if ((this.#sink?.desiredSize ?? 0) > 0) this.#sink?.enqueue(ping);
  }

  #drop(): void {
    clearInterval(this.#timer);
    this.#sink = undefined;
  }
}

/**
 * Runs `work`, which sends events until it settles. The response begins with the first event, or
 * without one when `work` takes longer than an instant, as it does while the LM runs other calls.
 * An error before that is thrown, so that it becomes an ordinary error response; a later error is
 * sent as the last event, in place of `[DONE]`.
 */
export async function eventStream(
  call: Call,
  work: (send: Send) => Promise<void>,
): Promise<Response> {
  const body = new EventBody(call.pingInterval, () => call.abort());
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let hasBegun = false;
  void begun.then(() => {
    hasBegun = true;
  });
  const timer = setTimeout(begin, grace);
  const running = work((data) => {
    begin();
    body.send(JSON.stringify(data));
  });
  void running
    .then(
      () => body.send('[DONE]'),
      (error: unknown) => {
        if (hasBegun) call.report(error);
        body.send(JSON.stringify(toHttpError(error).body));
      },
    )
    .finally(() => {
      clearTimeout(timer);
      body.close();
      call.end();
    });
  await Promise.race([begun, running]);
  return new Response(body.stream, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' },
  });
}
