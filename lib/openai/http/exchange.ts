// One request and its response, through a client of the package `openai`. The caller's signal,
// closing the LM, and a timeout without data (also in the middle of the body) end it. `client.ts`
// opens them.

import { onAbort } from '../../common/abort-listeners.js';
import { ClosedError, NotSupportedError } from '../../common/errors.js';
import { Failure, isRetryableStatus, readErrorObject } from './failure.js';
import { parseRetryAfter } from './retry.js';

/**
 * The part of a client of the package `openai` that is used here. The ESM and CommonJS builds of
 * that package have distinct classes, so this is a structural type.
 */
export interface OpenAIClient {
  /** The server's base URL, including `/v1`. */
  readonly baseURL: string;
  post(path: string, options?: object): { asResponse(): Promise<Response> };
  get?(path: string, options?: object): { asResponse(): Promise<Response> };
}

/** How requests are sent. */
export interface Transport {
  client: OpenAIClient;
  headers: Readonly<Record<string, string | null>>;
  /** Milliseconds without data after which a request times out. */
  timeout: number;
  /** Callbacks that end the open requests when the LM is closed. */
  open: Set<() => void>;
}

/**
 * The longest timer. The client's own timeout covers the headers alone, so it is disabled, and the
 * timeout is measured here.
 */
const disabledTimeout = 2 ** 31 - 1;

/** A request in flight. Close it once its response is no longer needed. */
export class Exchange {
  /** From the response headers. */
  status = 0;
  requestId: string | undefined;
  isJson = false;
  readonly #transport: Transport;
  readonly #signal: AbortSignal | undefined;
  readonly #controller = new AbortController();
  readonly #onClose = (): void => this.#cancel('closed');
  readonly #removeListener: () => void;
  #endReason: 'aborted' | 'closed' | 'timeout' | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  private constructor(transport: Transport, signal: AbortSignal | undefined) {
    this.#transport = transport;
    this.#signal = signal;
    transport.open.add(this.#onClose);
    this.#removeListener = onAbort(signal, () => this.#cancel('aborted'));
    this.#restartTimer();
  }

  /**
   * Sends a request and waits for the response headers.
   *
   * @param body undefined for a GET request
   * @throws the signal's reason, ClosedError, Failure; NotSupportedError for a client without `get`
   */
  static async open(
    transport: Transport,
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Exchange> {
    const exchange = new Exchange(transport, signal);
    try {
      await exchange.#send(path, body);
      return exchange;
    } catch (error) {
      exchange.close();
      throw error;
    }
  }

  /** The next bytes of the body; undefined at its end. */
  async read(): Promise<Uint8Array | undefined> {
    this.#restartTimer();
    try {
      const result = await this.#reader?.read();
      if (this.#endReason !== undefined) throw new Error('Canceled');
      return result?.value;
    } catch (cause) {
      throw this.#errorFor(cause, 'The response was interrupted', true);
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** The rest of the body. */
  async text(): Promise<string> {
    const decoder = new TextDecoder();
    let text = '';
    for (let bytes = await this.read(); bytes !== undefined; bytes = await this.read()) {
      text += decoder.decode(bytes, { stream: true });
    }
    return text + decoder.decode();
  }

  /** Releases all resources, and cancels the request if its body was not fully read. */
  close(): void {
    clearTimeout(this.#timer);
    this.#transport.open.delete(this.#onClose);
    this.#removeListener();
    this.#controller.abort();
  }

  async #send(path: string, body: object | undefined): Promise<void> {
    const { client, headers } = this.#transport;
    if (body === undefined && client.get === undefined) {
      throw new NotSupportedError('The client given as the option client cannot send GET requests');
    }
    try {
      const { signal } = this.#controller;
      const options = { headers, signal, timeout: disabledTimeout, maxRetries: 0 };
      const sent =
        body === undefined ? client.get?.(path, options) : client.post(path, { ...options, body });
      const response = await (sent as { asResponse(): Promise<Response> }).asResponse();
      if (this.#endReason !== undefined) throw new Error('Canceled');
      this.status = response.status;
      this.requestId = response.headers.get('x-request-id') ?? undefined;
      this.isJson = /\bjson\b/i.test(response.headers.get('content-type') ?? '');
      this.#reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
    } catch (cause) {
      throw this.#errorFor(cause, 'The server cannot be reached', isConnectionError(cause));
    } finally {
      clearTimeout(this.#timer);
    }
  }

  #restartTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#cancel('timeout'), this.#transport.timeout);
  }

  #cancel(reason: 'aborted' | 'closed' | 'timeout'): void {
    this.#endReason ??= reason;
    this.#controller.abort();
  }

  /** The error for why the request ended, or else the client's error. */
  #errorFor(cause: unknown, summary: string, isRetryable: boolean): unknown {
    const { requestId } = this;
    if (this.#endReason === 'aborted') return this.#signal?.reason;
    if (this.#endReason === 'closed') return new ClosedError('The LM was closed');
    if (this.#endReason === 'timeout') {
      const message = `The server sent no data for ${this.#transport.timeout} ms`;
      return new Failure(message, { requestId, isRetryable: true, cause });
    }
    const failure = statusFailure(cause);
    if (failure !== undefined) return failure;
    return new Failure(`${summary}: ${messageOf(cause)}`, { requestId, isRetryable, cause });
  }
}

/** Whether it is a connection error; otherwise the client itself did not send the request. */
const isConnectionError = (error: unknown): boolean =>
  error instanceof Error &&
  (error.cause !== undefined || /^APIConnection/.test(error.constructor.name));

/** The cause of a Node network error is more specific than its own message. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? messageOf(error.cause) : '';
  return inner === '' || error.message.includes(inner)
    ? error.message
    : `${error.message} (${inner})`;
}

/** The failure for an error status; undefined for any other error. */
function statusFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { status, headers, requestID, error: errorBody } = error as Error & Record<string, unknown>;
  if (typeof status !== 'number') return undefined;
  const get = (name: string) => (headers as Headers | undefined)?.get?.(name);
  const shouldRetry = get('x-should-retry');
  return new Failure(error.message, {
    status,
    requestId: typeof requestID === 'string' ? requestID : undefined,
    isRetryable: shouldRetry === 'true' || (shouldRetry !== 'false' && isRetryableStatus(status)),
    retryAfterMs: parseRetryAfter(get('retry-after-ms'), get('retry-after')),
    errorObject:
      errorBody === undefined ? readErrorObject(error.message) : readErrorObject(errorBody),
    cause: error,
  });
}
