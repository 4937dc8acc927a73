// The interface that a chat in a terminal needs of a thread. `Thread` satisfies it; the chat and
// its commands depend on nothing else, so that they do not import `thread.ts`.

import type { Writable } from 'node:stream';
import type { Message } from '../chat-template/message.js';
import type { CompletionDefaults } from '../generation/completion-options.js';
import type { ReplyStream } from './reply-stream.js';
import type { SendOptions } from './thread-options.js';

/** The part of `Thread` that a chat in a terminal uses. */
export interface TerminalThread {
  readonly messages: Message[];
  readonly sampler: CompletionDefaults['sampler'];
  addMessage(role: string, content: string): Message;
  removeLast(): Message | undefined;
  asString(): string;
  sendStream(prompt: string, options?: SendOptions): ReplyStream;
  rerollStream(options?: SendOptions): ReplyStream;
  summarize(options?: SendOptions): Promise<string>;
  reset(): void;
  printStats(options?: { file?: Pick<Writable, 'write'> | undefined }): Promise<void>;
}
