// All requests of an LM to its server: retried, timed, checked, and adapted to what the server
// supports. The class OpenAI, its tokenizers and its choosing strategies send their requests here.

import { sleep } from '../../common/abort.js';
import { onAbort } from '../../common/abort-listeners.js';
import { ClosedError } from '../../common/errors.js';
import type { Answers, Api, ChatBody, CompletionsBody } from './api.js';
import { Habits, type Spare } from './capabilities.js';
import { Exchange, type Transport } from './exchange.js';
import { Failure, publicError } from './failure.js';
import { type Piece, readAnswers, readJson, readPiece } from './responses.js';
import { type RetryPolicy, retrying } from './retry.js';
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
export type WritingApi = keyof typeof paths;

const ownSpares: ReadonlySet<Spare> = new Set<Spare>(['temperature']);

const promptsOf = ({ prompt }: CompletionsBody): number =>
  typeof prompt === 'string' || prompt.length === 0 || typeof prompt[0] === 'number'
    ? 1
    : prompt.length;

/** The implementation of {@link Api} over HTTP. */
export class Client implements Api {
  readonly model: string;
  readonly #policy: RetryPolicy;
  readonly #transport: Transport;
  readonly #extraBody: Readonly<Record<string, unknown>>;
  readonly #habits = { completions: new Habits(), chat: new Habits() };
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

  completions(body: CompletionsBody, signal: AbortSignal | undefined): Promise<Answers> {
    return this.#ask('completions', body, promptsOf(body), signal);
  }

  chat(body: ChatBody, signal: AbortSignal | undefined): Promise<Answers> {
    return this.#ask('chat', body, 1, signal);
  }

  /** Posts JSON to a non-OpenAI endpoint and returns the JSON object of the response. */
  post(url: string, body: object, signal: AbortSignal | undefined) {
    return this.retrying(signal, async () => {
      const exchange = await this.#send(url, body, signal);
      try {
        const { isJson, requestId, status } = exchange;
        // An HTML page for people, whatever was requested.
        if (!isJson)
          throw new Failure('The answer is no JSON', { status, requestId, mayPass: false });
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
  async *pieces(
    kind: WritingApi,
    body: Readonly<Record<string, unknown>>,
    spare: ReadonlySet<Spare>,
    signal: AbortSignal,
  ): AsyncGenerator<Piece, void> {
    const full = { ...body, stream: true, stream_options: { include_usage: true } };
    const exchange = await this.#open(kind, full, new Set([...spare, 'stream_options']), signal);
    try {
      yield* exchange.isJson ? onePiece(exchange) : streamedPieces(exchange);
    } finally {
      exchange.close();
    }
  }

  /** Whether an optional field is omitted. */
  drops(kind: WritingApi, field: Spare): boolean {
    return this.#habits[kind].drops(field);
  }

  /** Retries failed attempts where a retry may help. */
  retrying<T>(
    signal: AbortSignal | undefined,
    attempt: () => Promise<T>,
    giveUp = (failure: Failure, attempts: number): unknown => publicError(failure, attempts),
  ): Promise<T> {
    const wait = (milliseconds: number): Promise<void> => this.#wait(milliseconds, signal);
    return retrying(this.#policy, wait, attempt, ({ failure, attempts }) =>
      giveUp(failure, attempts),
    );
  }

  /** Ends all open requests; their calls reject with ClosedError. */
  close(): void {
    this.#isClosed = true;
    for (const end of [...this.#transport.open]) end();
  }

  #ask(
    kind: WritingApi,
    body: CompletionsBody | ChatBody,
    count: number,
    signal: AbortSignal | undefined,
  ): Promise<Answers> {
    return this.retrying(signal, async () => {
      const exchange = await this.#open(kind, { ...body }, ownSpares, signal);
      try {
        return readAnswers(await exchange.text(), count, exchange.requestId);
      } finally {
        exchange.close();
      }
    });
  }

  async #open(
    kind: WritingApi,
    body: Readonly<Record<string, unknown>>,
    spare: ReadonlySet<Spare>,
    signal: AbortSignal | undefined,
  ): Promise<Exchange> {
    const habits = this.#habits[kind];
    for (;;) {
      const sent = habits.apply({ ...this.#extraBody, model: this.model, ...body }, spare);
      try {
        return await this.#send(paths[kind], sent, signal);
      } catch (error) {
        if (!(error instanceof Failure && habits.learn(error, sent, spare))) throw error;
      }
    }
  }

  #send(path: string, body: object, signal: AbortSignal | undefined): Promise<Exchange> {
    if (this.#isClosed) return Promise.reject(new ClosedError('The LM is closed'));
    return Exchange.open(this.#transport, path, body, signal);
  }

  async #wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    const { open } = this.#transport;
    const ending = new AbortController();
    const end = (): void => ending.abort(new ClosedError('The LM was closed'));
    const unlisten = onAbort(signal, () => ending.abort(signal?.reason));
    open.add(end);
    try {
      ending.signal.throwIfAborted();
      await sleep(milliseconds, ending.signal);
    } finally {
      open.delete(end);
      unlisten();
    }
  }
}

/** A server that does not stream sends the whole response at once. */
async function* onePiece(exchange: Exchange): AsyncGenerator<Piece, void> {
  yield readPiece(await exchange.text(), exchange.requestId);
}

async function* streamedPieces(exchange: Exchange): AsyncGenerator<Piece, void> {
  const events = new EventReader(exchange.requestId);
  let isFinished = false;
  for (;;) {
    let bytes: Uint8Array | undefined;
    const pieces: Piece[] = [];
    let isOver = false;
    let failure: unknown;
    try {
      bytes = await exchange.read();
      for (const data of events.push(bytes)) {
        isOver = data.startsWith('[DONE]');
        if (isOver) break;
        pieces.push(readPiece(data, exchange.requestId));
      }
      isOver ||= bytes === undefined && isFinished;
      if (bytes === undefined && !isOver) {
        const { requestId } = exchange;
        failure = new Failure('The answer broke off before its end', { requestId, mayPass: true });
      }
    } catch (error) {
      failure = error;
    }
    for (const piece of pieces) {
      if (piece.finishReason !== undefined) isFinished = true;
      yield piece;
    }
    if (isOver) return;
    if (failure === undefined) continue;
    // After the finish reason only the usage can be missing, so the text is complete.
    if (isFinished && failure instanceof Failure) return;
    throw failure;
  }
}
