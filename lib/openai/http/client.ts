// All requests of an LM to its server: retried, timed, checked, and adapted to what the server
// supports. The class OpenAI, its tokenizers and its choosing strategies send their requests here.

import { sleep } from '../../common/abort.js';
import { onAbort } from '../../common/abort-listeners.js';
import { ClosedError } from '../../common/errors.js';
import type { Api, ApiResponse, ChatBody, CompletionsBody } from './api.js';
import { Capabilities, type OptionalField } from './capabilities.js';
import { Exchange, type Transport } from './exchange.js';
import { Failure, publicError } from './failure.js';
import { type ResponseChunk, readChunk, readJson, readResponse } from './responses.js';
import { type RetryPolicy, withRetries } from './retry.js';
import { EventReader } from './server-events.js';

/** What a client is constructed from. */
export interface ClientSettings {
  model: string;
  policy: RetryPolicy;
  transport: Omit<Transport, 'open'>;
  extraBody: Readonly<Record<string, unknown>>;
}

const paths = { completions: '/completions', chat: '/chat/completions' } as const;

/** One of the two generation endpoints. */
export type Endpoint = keyof typeof paths;

const alwaysOptional: ReadonlySet<OptionalField> = new Set<OptionalField>(['temperature']);

const countPrompts = ({ prompt }: CompletionsBody): number =>
  typeof prompt === 'string' || prompt.length === 0 || typeof prompt[0] === 'number'
    ? 1
    : prompt.length;

/** The implementation of {@link Api} over HTTP. */
export class Client implements Api {
  readonly model: string;
  readonly #policy: RetryPolicy;
  readonly #transport: Transport;
  readonly #extraBody: Readonly<Record<string, unknown>>;
  readonly #capabilities = { completions: new Capabilities(), chat: new Capabilities() };
  #isClosed = false;

  constructor({ model, policy, transport, extraBody }: ClientSettings) {
    this.model = model;
    this.#policy = policy;
    this.#transport = { ...transport, open: new Set() };
    this.#extraBody = extraBody;
  }

  /** The server's base URL without `/v1`. */
  get root(): string {
    return this.#transport.client.baseURL.replace(/\/+$/, '').replace(/\/v1$/, '');
  }

  completions(body: CompletionsBody, signal: AbortSignal | undefined): Promise<ApiResponse> {
    return this.#request('completions', body, countPrompts(body), signal);
  }

  chat(body: ChatBody, signal: AbortSignal | undefined): Promise<ApiResponse> {
    return this.#request('chat', body, 1, signal);
  }

  /** Posts JSON to an endpoint that does not generate; returns the response's JSON object. */
  post(url: string, body: object, signal: AbortSignal | undefined) {
    return this.#fetch(url, body, signal);
  }

  /** Gets the JSON object at a path. */
  get(url: string, signal: AbortSignal | undefined) {
    return this.#fetch(url, undefined, signal);
  }

  #fetch(url: string, body: object | undefined, signal: AbortSignal | undefined) {
    return this.withRetries(signal, async () => {
      const exchange = await this.#send(url, body, signal);
      try {
        const { isJson, requestId, status } = exchange;
        // An HTML page for people, whatever was requested.
        if (!isJson)
          throw new Failure('The response is not JSON', { status, requestId, isRetryable: false });
        return readJson(await exchange.text(), requestId);
      } finally {
        exchange.close();
      }
    });
  }

  /**
   * One attempt at a streamed response, chunk by chunk. Leaving the loop ends the request.
   *
   * @param optional the fields that the request may omit
   * @throws Failure; the signal's reason; ClosedError
   */
  async *chunks(
    endpoint: Endpoint,
    body: Readonly<Record<string, unknown>>,
    optional: ReadonlySet<OptionalField>,
    signal: AbortSignal,
  ): AsyncGenerator<ResponseChunk, void> {
    const full = { ...body, stream: true, stream_options: { include_usage: true } };
    const exchange = await this.#open(
      endpoint,
      full,
      new Set([...optional, 'stream_options']),
      signal,
    );
    try {
      yield* exchange.isJson ? singleChunk(exchange) : streamedChunks(exchange);
    } finally {
      exchange.close();
    }
  }

  /** Whether an optional field is omitted. */
  omits(endpoint: Endpoint, field: OptionalField): boolean {
    return this.#capabilities[endpoint].omits(field);
  }

  /** Retries failed attempts where a retry may help. */
  withRetries<T>(
    signal: AbortSignal | undefined,
    attempt: () => Promise<T>,
    giveUp = (failure: Failure, attempts: number): unknown => publicError(failure, attempts),
  ): Promise<T> {
    const wait = (milliseconds: number): Promise<void> => this.#wait(milliseconds, signal);
    return withRetries(this.#policy, wait, attempt, ({ failure, attempts }) =>
      giveUp(failure, attempts),
    );
  }

  /** Ends all open requests; their calls reject with ClosedError. */
  close(): void {
    this.#isClosed = true;
    for (const cancel of [...this.#transport.open]) cancel();
  }

  #request(
    endpoint: Endpoint,
    body: CompletionsBody | ChatBody,
    count: number,
    signal: AbortSignal | undefined,
  ): Promise<ApiResponse> {
    return this.withRetries(signal, async () => {
      const exchange = await this.#open(endpoint, { ...body }, alwaysOptional, signal);
      try {
        return readResponse(await exchange.text(), count, exchange.requestId);
      } finally {
        exchange.close();
      }
    });
  }

  async #open(
    endpoint: Endpoint,
    body: Readonly<Record<string, unknown>>,
    optional: ReadonlySet<OptionalField>,
    signal: AbortSignal | undefined,
  ): Promise<Exchange> {
    const capabilities = this.#capabilities[endpoint];
    for (;;) {
      const adapted = capabilities.adapt(
        { ...this.#extraBody, model: this.model, ...body },
        optional,
      );
      try {
        return await this.#send(paths[endpoint], adapted, signal);
      } catch (error) {
        if (!(error instanceof Failure && capabilities.learn(error, adapted, optional)))
          throw error;
      }
    }
  }

  #send(
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Exchange> {
    if (this.#isClosed) return Promise.reject(new ClosedError('The LM is closed'));
    return Exchange.open(this.#transport, path, body, signal);
  }

  async #wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    const { open } = this.#transport;
    const waiting = new AbortController();
    const cancel = (): void => waiting.abort(new ClosedError('The LM was closed'));
    const removeListener = onAbort(signal, () => waiting.abort(signal?.reason));
    open.add(cancel);
    try {
      waiting.signal.throwIfAborted();
      await sleep(milliseconds, waiting.signal);
    } finally {
      open.delete(cancel);
      removeListener();
    }
  }
}

/** A server that does not stream sends the whole response at once. */
async function* singleChunk(exchange: Exchange): AsyncGenerator<ResponseChunk, void> {
  yield readChunk(await exchange.text(), exchange.requestId);
}

async function* streamedChunks(exchange: Exchange): AsyncGenerator<ResponseChunk, void> {
  const events = new EventReader(exchange.requestId);
  let hasFinishReason = false;
  for (;;) {
    let bytes: Uint8Array | undefined;
    const chunks: ResponseChunk[] = [];
    let isDone = false;
    let failure: unknown;
    try {
      bytes = await exchange.read();
      for (const data of events.push(bytes)) {
        isDone = data.startsWith('[DONE]');
        if (isDone) break;
        chunks.push(readChunk(data, exchange.requestId));
      }
      isDone ||= bytes === undefined && hasFinishReason;
      if (bytes === undefined && !isDone) {
        const { requestId } = exchange;
        failure = new Failure('The response ended prematurely', {
          requestId,
          isRetryable: true,
        });
      }
    } catch (error) {
      failure = error;
    }
    for (const chunk of chunks) {
      if (chunk.finishReason !== undefined) hasFinishReason = true;
      yield chunk;
    }
    if (isDone) return;
    if (failure === undefined) continue;
    // After the finish reason only the usage can be missing, so the text is complete.
    if (hasFinishReason && failure instanceof Failure) return;
    throw failure;
  }
}
