// Thread: a conversation with an LM. It keeps the messages, renders them as the model's prompt,
// and appends the answers. `terminal-chat.ts` runs it interactively.

import type { Writable } from 'node:stream';
import { type ChatPrompt, chatPrompt } from '../chat-template/chat-prompt.js';
import { Conversation, modelOf } from '../chat-template/conversation.js';
import { aroundRole, type Format } from '../chat-template/format.js';
import { Message, readRole } from '../chat-template/message.js';
import type { ChatTemplate } from '../chat-template/template.js';
import { raceAbort } from '../common/abort.js';
import { checkOptions, checkString, describe, wrongType } from '../common/arguments.js';
import type { CompletionChunk } from '../common/completion.js';
import { roomAfter } from '../common/room.js';
import { type CompletionDefaults, readMaxTokens } from '../generation/completion-options.js';
import { LM } from '../lm.js';
import type { Model } from '../model/model.js';
import { defaultSampler, samplerLimit } from './default-sampler.js';
import { type Reply, ReplyStream } from './reply-stream.js';
import { type SamplerJSON, samplerFromJSON, samplerToJSON } from './sampler-json.js';
import { statsText } from './stats.js';
import { chatInTerminal, type InteractOptions } from './terminal-chat.js';
import {
  readMessages,
  readSendOptions,
  readThreadOptions,
  type SendOptions,
  type SendRequest,
  type ThreadOptions,
} from './thread-options.js';

/** A thread as JSON, for `Thread.fromJSON`. */
export interface ThreadJSON extends Omit<ThreadOptions, 'system' | 'sampler'> {
  /** The settings that differ from the default; infinite numbers as strings. */
  sampler?: SamplerJSON;
  /** The messages that `reset` restores. */
  beginning: Message[];
  messages: Message[];
}

/** One turn of the bot: the history to answer, and how to add the answer to the thread. */
interface Turn {
  messages: Message[];
  commit: (answer: Message) => void;
}

/**
 * A conversation. Its calls run one at a time. A call that fails or is aborted leaves the
 * messages unchanged: neither the question nor the partial answer is kept.
 *
 * @example
 * const thread = new Thread(lm, { system: 'Answer in one word.' });
 * await thread.send('What is the capital of France?'); // 'Paris'
 */
export class Thread {
  /** The messages, oldest first. You may modify them: every call checks them. */
  readonly messages: Message[];
  readonly lm: LM;
  /** How the bot's tokens are sampled. */
  sampler: CompletionDefaults['sampler'];
  /** The maximum number of tokens of an answer. */
  maxTokens: number;
  readonly #conversation: Conversation;
  readonly #style: Pick<ThreadOptions, 'template' | 'mergeSystem'>;
  readonly #beginning: readonly Message[];
  #resets = 0;
  #queue: Promise<unknown> = Promise.resolve();

  /**
   * @throws TypeError, RangeError for invalid options; NotSupportedError if neither the options
   * nor the model have a format or a chat template, or if the template cannot be parsed
   */
  constructor(lm: LM, options?: ThreadOptions) {
    if (!(lm instanceof LM)) throw wrongType('an LM', 'lm', lm);
    const settings = readThreadOptions(options);
    const { format, template, mergeSystem } = settings;
    this.lm = lm;
    this.sampler = settings.sampler ?? defaultSampler(lm);
    this.maxTokens = settings.maxTokens;
    this.#conversation = new Conversation(lm, settings);
    this.#style = { template, mergeSystem };
    this.#beginning = settings.messages;
    this.messages = readMessages(this.#beginning, 'messages', format);
  }

  /**
   * Restores a thread, with an LM.
   *
   * @param value what {@link toJSON} returned, or its JSON text
   * @throws as the constructor does; SyntaxError for a string that is not valid JSON
   */
  static fromJSON(lm: LM, value: string | ThreadJSON): Thread {
    const json: unknown = typeof value === 'string' ? JSON.parse(value) : value;
    if (typeof json !== 'object' || json === null) throw wrongType('an object', 'value', json);
    const { beginning, messages, sampler: settings, ...rest } = json as ThreadJSON;
    const sampler = settings === undefined ? undefined : samplerFromJSON(settings);
    // `system: ''`: `beginning` contains the system message already.
    const options = { ...rest, sampler, messages: beginning, system: '' };
    const thread = new Thread(lm, options);
    if (!Array.isArray(messages)) throw wrongType('an array of messages', 'messages', messages);
    thread.messages.splice(0, Infinity, ...readMessages(messages, 'messages', thread.format));
    return thread;
  }

  /** The format that renders messages; undefined if a chat template does. */
  get format(): Readonly<Format> | undefined {
    return this.#conversation.format;
  }

  /** The chat template that renders messages; undefined if a format does. */
  get template(): ChatTemplate | undefined {
    return this.#conversation.template;
  }

  /** The LM's model; undefined if it has none, such as an LM written in TypeScript. */
  get model(): Model | undefined {
    return modelOf(this.lm);
  }

  /**
   * Creates a message with the prefix and postfix of this thread's format, without adding it.
   *
   * @throws TypeError for a role other than `'system'`, `'user'` or `'bot'`, in any letter case
   */
  createMessage(role: string, content: string): Message {
    const speaker = readRole(role, 'role');
    const around = this.format === undefined ? {} : aroundRole(this.format, speaker);
    return new Message(speaker, content, around);
  }

  /** Adds a message and returns it. Throws as {@link createMessage} does. */
  addMessage(role: string, content: string): Message {
    const message = this.createMessage(role, content);
    this.messages.push(message);
    return message;
  }

  /** Removes and returns the last message, if any. */
  removeLast(): Message | undefined {
    return this.messages.pop();
  }

  /** The number of tokens of all messages, as the model would read them. */
  async lenMessages(): Promise<number> {
    return (await this.#conversation.tokens(this.#checked(), false)).length;
  }

  /** {@link lenMessages}. */
  length(): Promise<number> {
    return this.lenMessages();
  }

  /** All messages as text, as the model would read them. */
  asString(): string {
    const messages = this.#checked();
    return messages.length === 0 ? '' : this.#conversation.text(messages, false);
  }

  /**
   * The prompt of the next answer as text: the messages that fit, and the opening of the bot's
   * turn. For inspection only; use {@link inferenceTokens} as a prompt, because a text does not
   * distinguish a special token from a user message that spells one.
   */
  async inferenceString(): Promise<string> {
    const { messages } = await this.#prompt(this.#checked(), this.#limit());
    return this.#conversation.text(messages, true);
  }

  /**
   * The prompt of the next answer as tokens. A leading system message is kept; of the rest, the
   * oldest exchanges are dropped whole until the tokens reserved for the answer fit: `maxTokens`,
   * at most half of the context; if that is Infinity, a quarter of the context, at most 512.
   *
   * @throws ContextOverflowError if the latest exchange alone is too long
   */
  async inferenceTokens(): Promise<Int32Array> {
    return (await this.#prompt(this.#checked(), this.#limit())).tokens;
  }

  /**
   * Sends a user message; returns the bot's answer, trimmed. Both are added to the messages.
   *
   * @throws ContextOverflowError if the message alone is too long; NotSupportedError if the chat
   * template rejects the messages; errors of the LM
   */
  async send(prompt: string, options?: SendOptions): Promise<string> {
    return (await this.sendStream(prompt, options).reply).message.content;
  }

  /**
   * {@link send}, chunk by chunk; both messages are added at the end. Leaving the loop stops
   * generation and adds nothing.
   */
  sendStream(prompt: string, options?: SendOptions): ReplyStream {
    const message = this.createMessage('user', checkString(prompt, 'prompt'));
    return this.#answer(options, () => ({
      messages: [...this.#checked(), message],
      commit: (answer) => this.messages.push(message, answer),
    }));
  }

  /**
   * Regenerates the bot's last message, which the new one replaces. If the last message is not the
   * bot's, answers it.
   */
  async reroll(options?: SendOptions): Promise<string> {
    return (await this.rerollStream(options).reply).message.content;
  }

  /** {@link reroll}, chunk by chunk; the last message is replaced at the end. */
  rerollStream(options?: SendOptions): ReplyStream {
    return this.#answer(options, () => {
      const last = this.messages.at(-1);
      const old = last?.role === 'bot' ? last : undefined;
      const messages = this.#checked();
      return {
        messages: old === undefined ? messages : messages.slice(0, -1),
        commit: (answer) => {
          const index = old === undefined ? -1 : this.messages.lastIndexOf(old);
          if (index < 0) this.messages.push(answer);
          else this.messages.splice(index, 1, answer);
        },
      };
    });
  }

  /** Has the bot summarize the conversation; the messages stay unchanged. */
  async summarize(options?: SendOptions): Promise<string> {
    const dialog = this.#checked().filter(({ role }) => role !== 'system');
    const transcript = dialog.map(({ role, content }) => `${role}: ${content}`).join('\n');
    const task = 'Summarize this conversation in a few sentences:';
    const { format, maxTokens, sampler } = this;
    const style = { ...this.#style, format, maxTokens, sampler };
    return new Thread(this.lm, { ...style, system: '' }).send(`${task}\n\n${transcript}`, options);
  }

  /** Restores the initial messages. An answer that is still being generated will not be added. */
  reset(): void {
    this.#resets++;
    this.messages.splice(0, Infinity, ...readMessages(this.#beginning, 'messages', this.format));
  }

  /** Prints the context usage in three lines, the first such as `443 / 8192 tokens`. */
  async printStats(options?: { file?: Pick<Writable, 'write'> | undefined }): Promise<void> {
    const { file = process.stdout } = checkOptions(options, 'options', ['file']);
    if (typeof file?.write !== 'function') throw wrongType('a writable stream', 'file', file);
    const tokens = await this.lenMessages();
    const result: unknown = file.write(
      `${statsText(tokens, this.lm.contextSize, this.messages.length)}\n`,
    );
    await result;
  }

  /**
   * Chats interactively, by default on standard input and output. Type `!help` for the commands.
   *
   * @throws ClosedError when the LM is closed meanwhile; the signal's reason
   */
  interact(options?: InteractOptions): Promise<void> {
    return chatInTerminal(this, options);
  }

  /** The whole state of this thread except the LM. */
  toJSON(): ThreadJSON {
    const { format, maxTokens, sampler } = this;
    const isDefault = sampler === undefined || sampler === defaultSampler(this.lm);
    return {
      ...(format === undefined ? {} : { format }),
      ...this.#style,
      ...(maxTokens === Infinity ? {} : { maxTokens }),
      ...(isDefault ? {} : { sampler: samplerToJSON(sampler) }),
      beginning: readMessages(this.#beginning, 'beginning', format),
      messages: this.#checked(),
    };
  }

  /** Checked copies of the messages; throws a TypeError for an invalid one. */
  #checked(): Message[] {
    return readMessages(this.messages, 'messages', this.format);
  }

  /** The maximum tokens of an answer: the lower limit of the thread and the sampler. */
  #limit(sampler = this.sampler): number {
    return Math.min(readMaxTokens(this.maxTokens, 'maxTokens'), samplerLimit(sampler));
  }

  #prompt(
    messages: Message[],
    maxTokens: number,
    prefix = '',
    stops: readonly (string | number)[] = [],
    signal?: AbortSignal,
  ): Promise<ChatPrompt> {
    const options = { prefix, maxTokens, stops, signal };
    return chatPrompt(this.lm, this.#conversation, messages, options);
  }

  /** Queues an answer; `takeTurn` reads the messages when its turn comes. */
  #answer(options: SendOptions | undefined, takeTurn: () => Turn): ReplyStream {
    const request = readSendOptions(options);
    const previous = this.#queue;
    const stream = new ReplyStream(request.signal, async (emit, abandoned) => {
      await raceAbort(previous, request.signal);
      abandoned.throwIfAborted();
      return this.#generate(takeTurn(), request, emit, abandoned);
    });
    this.#queue = Promise.allSettled([previous, stream.reply]);
    return stream;
  }

  async #generate(
    { messages, commit }: Turn,
    { prefix, signal, stops, rest, ...request }: SendRequest,
    emit: (chunk: CompletionChunk) => void,
    abandoned: AbortSignal,
  ): Promise<Reply> {
    if (!rest.stopOnAbort) signal?.throwIfAborted();
    const resets = this.#resets;
    const sampler = rest.sampler ?? this.sampler;
    const maxTokens = request.maxTokens ?? this.#limit(sampler);
    const cancelled = signal === undefined ? abandoned : AbortSignal.any([signal, abandoned]);
    // With `stopOnAbort`, an abort ends the answer, not the call.
    const fitting = rest.stopOnAbort ? abandoned : cancelled;
    const prompt = await this.#prompt(messages, maxTokens, prefix, stops, fitting);
    const { tokens, dropped, stop } = prompt;
    const stream = this.lm.stream(tokens, {
      ...rest,
      ...(sampler === undefined ? {} : { sampler }),
      maxTokens: Math.min(maxTokens, roomAfter(this.lm, tokens.length)),
      ...(stop.length > 0 ? { stop } : {}),
      signal: cancelled,
    });
    // The loop below throws the failure.
    stream.completion.catch(() => {});
    for await (const chunk of stream) emit(chunk);
    const completion = await stream.completion;
    abandoned.throwIfAborted();
    const message = this.createMessage('bot', (prefix + completion.text).trim());
    if (resets === this.#resets) commit(message);
    return { message, completion, droppedMessages: dropped };
  }

  /** A short description. */
  toString(): string {
    return `Thread of ${this.messages.length} messages with ${describe(this.lm)}`;
  }
}
