// ReplyStream: the bot's answer while it is written, and what became of it. Threads make them.
// The answer is written whether or not anybody reads along; leaving the loop ends it.

import type { Completion, CompletionChunk } from '../completion.js';
import type { Message } from './message.js';

/** An answer that was given. */
export interface Reply {
  /** What the thread has now as its last message. */
  message: Message;
  /** What the LM gave, with its tokens and cost. */
  completion: Completion;
  /** How many of the oldest messages the LM did not see, for want of room. */
  droppedMessages: number;
}

/** Writes an answer, chunk by chunk, until the signal aborts. */
export type Writer = (
  emit: (chunk: CompletionChunk) => void,
  signal: AbortSignal,
) => Promise<Reply>;

interface Waiting {
  resolve: (result: IteratorResult<CompletionChunk, undefined>) => void;
  reject: (reason: unknown) => void;
}

/** The chunks of an answer, in order; the first call of `next` gives the first of them. */
export class ReplyStream implements AsyncIterableIterator<CompletionChunk> {
  /** The whole answer; rejects with what the iteration rejects with. */
  readonly reply: Promise<Reply>;
  readonly #left = new AbortController();
  readonly #chunks: CompletionChunk[] = [];
  readonly #waiting: Waiting[] = [];
  #outcome: { failure?: { reason: unknown } } | undefined;

  /** @internal */
  constructor(write: Writer) {
    this.reply = write((chunk) => this.#emit(chunk), this.#left.signal);
    this.reply.then(
      () => this.#settle({}),
      (reason: unknown) => this.#settle({ failure: { reason } }),
    );
  }

  next(): Promise<IteratorResult<CompletionChunk, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#serve();
    });
  }

  /** Ends the answer, which the thread forgets, unless all of it was there already. */
  async return(): Promise<IteratorResult<CompletionChunk, undefined>> {
    this.#left.abort();
    this.#chunks.length = 0;
    await this.reply.catch(() => {});
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #emit(chunk: CompletionChunk): void {
    if (this.#left.signal.aborted) return;
    this.#chunks.push(chunk);
    this.#serve();
  }

  #settle(outcome: { failure?: { reason: unknown } }): void {
    this.#outcome = outcome;
    this.#serve();
  }

  /** Hands out what there is; a failure once, after the chunks before it. */
  #serve(): void {
    for (let reader = this.#waiting[0]; reader !== undefined; reader = this.#waiting[0]) {
      const chunk = this.#chunks.shift();
      if (chunk === undefined && this.#outcome === undefined) return;
      this.#waiting.shift();
      if (chunk !== undefined) {
        reader.resolve({ done: false, value: chunk });
        continue;
      }
      const { failure } = this.#outcome ?? {};
      this.#outcome = {};
      if (failure === undefined || this.#left.signal.aborted) {
        reader.resolve({ done: true, value: undefined });
      } else {
        reader.reject(failure.reason);
      }
    }
  }
}
