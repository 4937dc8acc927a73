// Thread: a conversation with an LM. It keeps the messages, writes them as the model wants
// them, and adds what the bot says. `interact.ts` puts a person in front of it.

import type { Writable } from 'node:stream';
import { Conversation, modelOf } from '../chat-template/conversation.js';
import { aroundRole, type Format } from '../chat-template/format.js';
import { Message, readRole } from '../chat-template/message.js';
import type { ChatTemplate } from '../chat-template/template.js';
import { raceAbort } from '../common/abort.js';
import { checkOptions, checkString, describe, wrongType } from '../common/arguments.js';
import type { CompletionChunk } from '../common/completion.js';
import { type CompletionDefaults, readMaxTokens } from '../generation/completion-options.js';
import { LM } from '../lm.js';
import type { Model } from '../model/model.js';
import { type Fitted, fit } from './fit.js';
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
import { samplerLimit, usualSampler } from './usual-sampler.js';

/** A thread as JSON: what `Thread.fromJSON` makes it of again, beside an LM. */
export interface ThreadJSON extends Omit<ThreadOptions, 'system' | 'sampler'> {
  /** The settings that are not the default; infinite numbers as texts. */
  sampler?: SamplerJSON;
  /** The messages that `reset` goes back to. */
  beginning: Message[];
  messages: Message[];
}

/** What one answer is asked with: the history, and what to do with the answer. */
interface Question {
  messages: Message[];
  commit: (answer: Message) => void;
}

/**
 * A conversation. Its calls run in turn. Where one fails or is aborted the messages are as
 * before it: neither the question nor what was written of the answer is kept.
 *
 * @example
 * const thread = new Thread(lm, { system: 'Answer in one word.' });
 * await thread.send('What is the capital of France?'); // 'Paris'
 */
export class Thread {
  /** The messages, oldest first. Yours to change: every call checks them. */
  readonly messages: Message[];
  readonly lm: LM;
  /** How the bot's tokens are sampled. */
  sampler: CompletionDefaults['sampler'];
  /** Most tokens of one answer. */
  maxTokens: number;
  readonly #conversation: Conversation;
  readonly #style: Pick<ThreadOptions, 'template' | 'mergeSystem'>;
  readonly #beginning: readonly Message[];
  #resets = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * @throws TypeError, RangeError for options that are not what their comments say;
   * NotSupportedError where the model has no chat template, and no format is given, or where its
   * template cannot be read
   */
  constructor(lm: LM, options?: ThreadOptions) {
    if (!(lm instanceof LM)) throw wrongType('an LM', 'lm', lm);
    const settings = readThreadOptions(options);
    const { format, template, mergeSystem } = settings;
    this.lm = lm;
    this.sampler = settings.sampler ?? usualSampler(lm);
    this.maxTokens = settings.maxTokens;
    this.#conversation = new Conversation(lm, settings);
    this.#style = { template, mergeSystem };
    this.#beginning = settings.messages;
    this.messages = readMessages(this.#beginning, 'messages', format);
  }

  /**
   * A thread as it was, with an LM.
   *
   * @param value what {@link toJSON} gave, or its text
   * @throws as the constructor does; SyntaxError for a text that is no JSON
   */
  static fromJSON(lm: LM, value: string | ThreadJSON): Thread {
    const json: unknown = typeof value === 'string' ? JSON.parse(value) : value;
    if (typeof json !== 'object' || json === null) throw wrongType('an object', 'value', json);
    const { beginning, messages, sampler: settings, ...rest } = json as ThreadJSON;
    const sampler = settings === undefined ? undefined : samplerFromJSON(settings);
    // `system: ''`: the beginning has it already.
    const options = { ...rest, sampler, messages: beginning, system: '' };
    const thread = new Thread(lm, options);
    if (!Array.isArray(messages)) throw wrongType('an array of messages', 'messages', messages);
    thread.messages.splice(0, Infinity, ...readMessages(messages, 'messages', thread.format));
    return thread;
  }

  /** The format that messages are written by; undefined where a template does that. */
  get format(): Readonly<Format> | undefined {
    return this.#conversation.format;
  }

  /** The chat template that messages are written by; undefined where a format does that. */
  get template(): ChatTemplate | undefined {
    return this.#conversation.template;
  }

  /** The LM's model; undefined where it has none, as an LM in TypeScript. */
  get model(): Model | undefined {
    return modelOf(this.lm);
  }

  /**
   * A message with what this thread's format puts around it; it is not added.
   *
   * @throws TypeError for another role than `'system'`, `'user'` and `'bot'`, in any case
   */
  createMessage(role: string, content: string): Message {
    const speaker = readRole(role, 'role');
    const around = this.format === undefined ? {} : aroundRole(this.format, speaker);
    return new Message(speaker, content, around);
  }

  /** Adds a message; gives it. Throws as {@link createMessage} does. */
  addMessage(role: string, content: string): Message {
    const message = this.createMessage(role, content);
    this.messages.push(message);
    return message;
  }

  /** Takes the last message away; gives it, if there is one. */
  removeLast(): Message | undefined {
    return this.messages.pop();
  }

  /** How many tokens all messages have together, as the model would read them. */
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
   * The text that the bot would answer to now: what fits of the messages, and what opens its
   * turn. To look at; {@link inferenceTokens} is what to prompt with, since in a text nobody can
   * tell special tokens from a user who spells one out.
   */
  async inferenceString(): Promise<string> {
    const { messages } = await this.#fitted(this.#checked(), '', this.#limit());
    return this.#conversation.text(messages, true);
  }

  /**
   * The tokens that the bot would answer to now. A system message in front is kept; of the rest
   * the oldest exchanges are left out, whole ones, until there is room for the answer:
   * `maxTokens`, half of the context at most; a quarter of it, at most 512, where that is Infinity.
   *
   * @throws ContextOverflowError where the newest exchange alone is too long
   */
  async inferenceTokens(): Promise<Int32Array> {
    return (await this.#fitted(this.#checked(), '', this.#limit())).tokens;
  }

  /**
   * Says something to the bot; gives its answer, without spaces around. Both are added.
   *
   * @throws ContextOverflowError where that alone is too long; NotSupportedError where the chat
   * template refuses the messages; what the LM rejects with
   */
  async send(prompt: string, options?: SendOptions): Promise<string> {
    return (await this.sendStream(prompt, options).reply).message.content;
  }

  /**
   * {@link send}, chunk by chunk; both messages are added at the end. Leaving the loop ends the
   * answer, and adds nothing.
   */
  sendStream(prompt: string, options?: SendOptions): ReplyStream {
    const message = this.createMessage('user', checkString(prompt, 'prompt'));
    return this.#answer(options, () => ({
      messages: [...this.#checked(), message],
      commit: (answer) => this.messages.push(message, answer),
    }));
  }

  /**
   * Has the bot answer again: its last message makes way for the new one. Where the last message
   * is another's, it is answered.
   */
  async reroll(options?: SendOptions): Promise<string> {
    return (await this.rerollStream(options).reply).message.content;
  }

  /** {@link reroll}, chunk by chunk; the last message makes way at the end. */
  rerollStream(options?: SendOptions): ReplyStream {
    return this.#answer(options, () => {
      const last = this.messages.at(-1);
      const old = last?.role === 'bot' ? last : undefined;
      const messages = this.#checked();
      return {
        messages: old === undefined ? messages : messages.slice(0, -1),
        commit: (answer) => {
          const place = old === undefined ? -1 : this.messages.lastIndexOf(old);
          if (place < 0) this.messages.push(answer);
          else this.messages.splice(place, 1, answer);
        },
      };
    });
  }

  /** A summary of the conversation, by the bot; the messages stay as they are. */
  async summarize(options?: SendOptions): Promise<string> {
    const said = this.#checked().filter(({ role }) => role !== 'system');
    const script = said.map(({ role, content }) => `${role}: ${content}`).join('\n');
    const task = 'Summarize this conversation in a few sentences:';
    const { format, maxTokens, sampler } = this;
    const style = { ...this.#style, format, maxTokens, sampler };
    return new Thread(this.lm, { ...style, system: '' }).send(`${task}\n\n${script}`, options);
  }

  /** Goes back to the messages that the thread began with. An answer in the making is not added. */
  reset(): void {
    this.#resets++;
    this.messages.splice(0, Infinity, ...readMessages(this.#beginning, 'messages', this.format));
  }

  /** Prints the use of the context, in three lines, such as `443 / 8192 tokens`. */
  async printStats(options?: { file?: Pick<Writable, 'write'> | undefined }): Promise<void> {
    const { file = process.stdout } = checkOptions(options, 'options', ['file']);
    if (typeof file?.write !== 'function') throw wrongType('a writable stream', 'file', file);
    const tokens = await this.lenMessages();
    file.write(`${statsText(tokens, this.lm.contextSize, this.messages.length)}\n`);
  }

  /**
   * Chats with a person, on standard input and output unless others are given. `help` at the
   * prompt `!` tells what may be typed.
   *
   * @throws ClosedError when the LM is closed meanwhile; the signal's reason
   */
  interact(options?: InteractOptions): Promise<void> {
    return chatInTerminal(this, options);
  }

  /** All that makes this thread, but the LM. */
  toJSON(): ThreadJSON {
    const { format, maxTokens, sampler } = this;
    const usual = usualSampler(this.lm);
    return {
      ...(format === undefined ? {} : { format }),
      ...this.#style,
      ...(maxTokens === Infinity ? {} : { maxTokens }),
      ...(sampler === undefined || sampler === usual ? {} : { sampler: samplerToJSON(sampler) }),
      beginning: readMessages(this.#beginning, 'beginning', format),
      messages: this.#checked(),
    };
  }

  /** Complete copies of the messages; throws a TypeError for what is none. */
  #checked(): Message[] {
    return readMessages(this.messages, 'messages', this.format);
  }

  /** Most tokens of an answer: the thread's, or else the sampler's. */
  #limit(sampler = this.sampler): number {
    return Math.min(readMaxTokens(this.maxTokens, 'maxTokens'), samplerLimit(sampler));
  }

  #fitted(messages: Message[], prefix: string, maxTokens: number): Promise<Fitted> {
    const space = { contextSize: this.lm.contextSize, maxTokens };
    return fit(messages, space, (some) => this.#conversation.tokens(some, true, prefix));
  }

  #answer(options: SendOptions | undefined, ask: () => Question): ReplyStream {
    const request = readSendOptions(options);
    const before = this.#turn;
    const stream = new ReplyStream(request.signal, async (emit, left) => {
      await raceAbort(before, request.signal);
      left.throwIfAborted();
      return this.#write(ask(), request, emit, left);
    });
    this.#turn = Promise.allSettled([before, stream.reply]);
    return stream;
  }

  async #write(
    { messages, commit }: Question,
    { prefix, signal, stops, rest, ...request }: SendRequest,
    emit: (chunk: CompletionChunk) => void,
    left: AbortSignal,
  ): Promise<Reply> {
    if (!rest.stopOnAbort) signal?.throwIfAborted();
    const resets = this.#resets;
    const sampler = rest.sampler ?? this.sampler;
    const maxTokens = request.maxTokens ?? this.#limit(sampler);
    const { contextSize = Infinity, vocabularySize = Infinity } = this.lm;
    const { tokens, dropped } = await this.#fitted(messages, prefix, maxTokens);
    const given = [...(this.format?.stops ?? []), ...stops];
    const named = await this.#conversation.controlTokens(given);
    // A token that the vocabulary does not have never comes.
    const ends = [...given, ...named].filter(
      (stop) => typeof stop === 'string' || stop < vocabularySize,
    );
    const stream = this.lm.stream(tokens, {
      ...rest,
      ...(sampler === undefined ? {} : { sampler }),
      maxTokens: Math.min(maxTokens, contextSize - tokens.length),
      ...(ends.length > 0 ? { stop: ends } : {}),
      signal: signal === undefined ? left : AbortSignal.any([signal, left]),
    });
    // The loop tells of a failure.
    stream.completion.catch(() => {});
    for await (const chunk of stream) emit(chunk);
    const completion = await stream.completion;
    left.throwIfAborted();
    const message = this.createMessage('bot', (prefix + completion.text).trim());
    if (resets === this.#resets) commit(message);
    return { message, completion, droppedMessages: dropped };
  }

  /** What `console.log` shows. */
  toString(): string {
    return `Thread of ${this.messages.length} messages with ${describe(this.lm)}`;
  }
}
