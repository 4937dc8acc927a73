// What `stream` gives: the chunks of a completion for one reader, and the whole at its end.

import type { Completion, CompletionChunk } from '../common/completion.js';

/** Starts the work, which hands in chunks; `left` aborts when nobody wants more. */
type Start = (deliver: (chunk: CompletionChunk) => void, left: AbortSignal) => Promise<Completion>;

interface Waiting {
  resolve(result: IteratorResult<CompletionChunk, undefined>): void;
  reject(reason: unknown): void;
}

const done = { done: true, value: undefined } as const;

/**
 * A completion while it is written. Leaving the loop ends the work.
 *
 * @example
 * const stream = lm.stream('Once upon a time');
 * for await (const { text } of stream) process.stdout.write(text);
 * const { stopReason } = await stream.completion;
 */
export class CompletionStream implements AsyncIterableIterator<CompletionChunk> {
  /** The whole; rejects with what the loop throws. It need not be looked at. */
  readonly completion: Promise<Completion>;
  readonly #chunks: CompletionChunk[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #left = new AbortController();
  #end: { reason: unknown } | 'over' | undefined;

  /** @internal */
  constructor(signal: AbortSignal | undefined, start: Start) {
    this.completion = start((chunk) => this.#deliver(chunk), this.#left.signal);
    this.completion.then(
      () => this.#finish('over'),
      (reason: unknown) => {
        // Whoever aborts wants nothing of what is on its way.
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
      return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    }
    if (this.#end === 'over') return Promise.resolve(done);
    const { reason } = this.#end;
    // Told once; after that it is over.
    this.#end = 'over';
    return Promise.reject(reason);
  }

  /** Wants no more: ends the work. `completion` resolves with what was read. */
  async return(): Promise<IteratorResult<CompletionChunk, undefined>> {
    this.#chunks.length = 0;
    this.#finish('over');
    this.#left.abort();
    return done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #deliver(chunk: CompletionChunk): void {
    if (this.#end !== undefined) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) waiting.resolve({ done: false, value: chunk });
    else this.#chunks.push(chunk);
  }

  #finish(end: { reason: unknown } | 'over'): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (this.#end === 'over') resolve(done);
      else {
        reject(this.#end.reason);
        this.#end = 'over';
      }
    }
  }
}
