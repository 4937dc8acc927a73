// What a chat in a terminal needs of a thread. `Thread` fits it; the chat and its commands know no more.

import type { Writable } from 'node:stream';
import type { Message } from '../chat-template/message.js';
import type { CompletionDefaults } from '../generation/completion-options.js';
import type { ReplyStream } from './reply-stream.js';
import type { SendOptions } from './thread-options.js';

/** The part of a `Thread` that a person in front of a terminal uses. */
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
