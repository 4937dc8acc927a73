// The result of `stream`: an async iterator over the chunks of a completion, and the whole
// completion at its end.

import type { Completion, CompletionChunk } from '../common/completion.js';

/** Starts the generation, which delivers chunks; `left` aborts when the reader leaves. */
type Start = (deliver: (chunk: CompletionChunk) => void, left: AbortSignal) => Promise<Completion>;

interface PendingRead {
  resolve(result: IteratorResult<CompletionChunk, undefined>): void;
  reject(reason: unknown): void;
}

const done = { done: true, value: undefined } as const;

/**
 * A completion that is being generated. Leaving the loop ends the generation.
 *
 * @example
 * const stream = lm.stream('Once upon a time');
 * for await (const { text } of stream) process.stdout.write(text);
 * const { stopReason } = await stream.completion;
 */
export class CompletionStream implements AsyncIterableIterator<CompletionChunk> {
  /** The whole completion; rejects with the error that the loop throws. Awaiting it is optional. */
  readonly completion: Promise<Completion>;
  readonly #chunks: CompletionChunk[] = [];
  readonly #pending: PendingRead[] = [];
  readonly #left = new AbortController();
  #end: { reason: unknown } | 'done' | undefined;

  /** @internal */
  constructor(signal: AbortSignal | undefined, start: Start) {
    this.completion = start((chunk) => this.#deliver(chunk), this.#left.signal);
    this.completion.then(
      () => this.#finish('done'),
      (reason: unknown) => {
        // After an abort, drop the chunks that were not read yet.
        if (signal?.aborted) this.#chunks.length = 0;
        this.#finish({ reason });
      },
    );
  }

  /** The next chunk. Calls may overlap; each gets its own. */
  next(): Promise<IteratorResult<CompletionChunk, undefined>> {
    const value = this.#chunks.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#end === undefined) {
      return new Promise((resolve, reject) => this.#pending.push({ resolve, reject }));
    }
    if (this.#end === 'done') return Promise.resolve(done);
    const { reason } = this.#end;
    // The error is reported once; after that the iterator is done.
    this.#end = 'done';
    return Promise.reject(reason);
  }

  /** Ends the generation. `completion` resolves with the part that was read. */
  async return(): Promise<IteratorResult<CompletionChunk, undefined>> {
    this.#chunks.length = 0;
    this.#finish('done');
    this.#left.abort();
    return done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #deliver(chunk: CompletionChunk): void {
    if (this.#end !== undefined) return;
    const pending = this.#pending.shift();
    if (pending !== undefined) pending.resolve({ done: false, value: chunk });
    else this.#chunks.push(chunk);
  }

  #finish(end: { reason: unknown } | 'done'): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    for (const { resolve, reject } of this.#pending.splice(0)) {
      if (this.#end === 'done') resolve(done);
      else {
        reject(this.#end.reason);
        this.#end = 'done';
      }
    }
  }
}
