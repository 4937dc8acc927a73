// ReplyStream: the bot's answer while it is written, and what became of it. Threads make them.
// The answer is written whether or not anybody reads along; leaving the loop ends it.

import type { Message } from '../chat-template/message.js';
import type { Completion, CompletionChunk } from '../common/completion.js';
import { CompletionStream } from '../generation/completion-stream.js';

/** An answer that was given. */
export interface Reply {
  /** What the thread has now as its last message. */
  message: Message;
  /** What the LM gave, with its tokens and cost. */
  completion: Completion;
  /** How many of the oldest messages the LM did not see, for want of room. */
  droppedMessages: number;
}

/** Writes an answer, chunk by chunk, until `left` aborts. */
export type Writer = (emit: (chunk: CompletionChunk) => void, left: AbortSignal) => Promise<Reply>;

/** The chunks of an answer, in order, for one reader. */
export class ReplyStream implements AsyncIterableIterator<CompletionChunk> {
  /** The whole answer; rejects with what the loop throws. It need not be looked at. */
  readonly reply: Promise<Reply>;
  readonly #chunks: CompletionStream;

  /** @internal */
  constructor(signal: AbortSignal | undefined, write: Writer) {
    let reply: Promise<Reply> | undefined;
    this.#chunks = new CompletionStream(signal, async (deliver, left) => {
      reply = write(deliver, left);
      return (await reply).completion;
    });
    // It was started by then.
    this.reply = reply as unknown as Promise<Reply>;
  }

  next(): Promise<IteratorResult<CompletionChunk, undefined>> {
    return this.#chunks.next();
  }

  /** Ends the answer, which the thread forgets, unless all of it was there already. */
  async return(): Promise<IteratorResult<CompletionChunk, undefined>> {
    const end = await this.#chunks.return();
    await this.reply.catch(() => {});
    return end;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
