// ReplyStream: the bot's answer while it is generated, and the result. `Thread` creates them.
// Generation runs whether or not the stream is read; leaving the loop stops it.

import type { Message } from '../chat-template/message.js';
import type { Completion, CompletionChunk } from '../common/completion.js';
import { CompletionStream } from '../generation/completion-stream.js';

/** A complete answer. */
export interface Reply {
  /** The bot's message, as added to the thread. */
  message: Message;
  /** The LM's completion, with its tokens and cost. */
  completion: Completion;
  /** How many of the oldest messages were not in the prompt because they did not fit. */
  droppedMessages: number;
}

/** Generates an answer, chunk by chunk, until `abandoned` aborts. */
export type GenerateReply = (
  emit: (chunk: CompletionChunk) => void,
  abandoned: AbortSignal,
) => Promise<Reply>;

/** The chunks of an answer, in order, for a single consumer. */
export class ReplyStream implements AsyncIterableIterator<CompletionChunk> {
  /**
   * The complete answer; rejects with what the loop throws. Ignoring it raises no unhandled
   * rejection.
   */
  readonly reply: Promise<Reply>;
  readonly #chunks: CompletionStream;

  /** @internal */
  constructor(signal: AbortSignal | undefined, generate: GenerateReply) {
    let reply: Promise<Reply> | undefined;
    this.#chunks = new CompletionStream(signal, async (deliver, abandoned) => {
      reply = generate(deliver, abandoned);
      return (await reply).completion;
    });
    // The CompletionStream calls its function synchronously, so `reply` is set here.
    this.reply = reply as unknown as Promise<Reply>;
  }

  next(): Promise<IteratorResult<CompletionChunk, undefined>> {
    return this.#chunks.next();
  }

  /** Stops generation; the thread discards the answer unless it was already complete. */
  async return(): Promise<IteratorResult<CompletionChunk, undefined>> {
    const end = await this.#chunks.return();
    await this.reply.catch(() => {});
    return end;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
