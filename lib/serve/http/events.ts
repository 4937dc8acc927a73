// Streamed responses: server-sent events in OpenAI's format, with comments that keep a connection
// alive while there is nothing to send.

import type { Call } from '../served.js';
import { clientTooSlow, type HttpError, toHttpError } from './http-error.js';

/** Sends one event. */
export type Send = (data: unknown) => void;

/** How much the stream passes on ahead of the client's reading, in bytes. */
const readAhead = 2 ** 16;

/** How long the headers wait for a first event or an immediate failure, in milliseconds. */
const grace = 100;

const encoder = new TextEncoder();
const eventOf = (data: string): Uint8Array => encoder.encode(`data: ${data}\n\n`);

const textOf = (error: unknown): string => JSON.stringify(toHttpError(error).body);

/** A comment, which clients skip. */
const ping = encoder.encode(': ping\n\n');

/** The body of a streamed response. */
class EventBody {
  readonly stream: ReadableStream<Uint8Array>;
  /** Undefined once the stream is closed or the client has disconnected. */
  #sink: ReadableStreamDefaultController<Uint8Array> | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #call: Call;
  /** Why the client gets no more events. */
  overflow: HttpError | undefined;

  /**
   * @param call has milliseconds of silence before a ping, 0 for no pings, and the bytes that the
   * client may leave unread; its work is canceled when the client leaves or leaves more unread
   */
  constructor(call: Call) {
    const source = {
      start: (sink: ReadableStreamDefaultController<Uint8Array>) => {
        this.#sink = sink;
      },
      cancel: () => {
        this.#drop();
        call.abort();
      },
    };
    const strategy = new ByteLengthQueuingStrategy({ highWaterMark: readAhead });
    this.stream = new ReadableStream<Uint8Array>(source, strategy);
    this.#call = call;
    const { pingInterval } = call;
    if (pingInterval > 0) this.#timer = setInterval(() => this.#ping(), pingInterval);
  }

  send(data: string): void {
    if (this.#sink === undefined || this.overflow !== undefined) return;
    this.#sink.enqueue(eventOf(data));
    this.#timer?.refresh();
    const { streamBuffer } = this.#call;
    if ((this.#sink.desiredSize ?? 0) + streamBuffer >= 0) return;
    this.overflow = clientTooSlow(streamBuffer);
    this.#call.abort(this.overflow);
  }

  /** Sends the last event, whatever is unread. */
  end(data: string): void {
    this.#sink?.enqueue(eventOf(data));
    this.close();
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
  const body = new EventBody(call);
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
      () => body.end(body.overflow === undefined ? '[DONE]' : textOf(body.overflow)),
      (error: unknown) => {
        if (hasBegun) call.report(error);
        body.end(textOf(body.overflow ?? error));
      },
    )
    .finally(() => {
      clearTimeout(timer);
      call.end();
    });
  await Promise.race([begun, running]);
  return new Response(body.stream, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' },
  });
}
