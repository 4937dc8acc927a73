// The options of threads and of their calls, with their checks. `Thread` reads them here.

import { aroundRole, type Format } from '../chat-template/format.js';
import { type FormatName, findFormat } from '../chat-template/formats.js';
import { type Message, type MessageLike, readMessage } from '../chat-template/message.js';
import {
  checkBoolean,
  checkOptions,
  checkSignal,
  checkString,
  wrongType,
} from '../common/arguments.js';
import {
  type CompleteOptions,
  type CompletionDefaults,
  readMaxTokens,
} from '../generation/completion-options.js';
import { SamplerSettings } from '../sampling/sampler-settings.js';

/** Options of a thread. */
export interface ThreadOptions {
  /** The format of messages, or the name of a known one. Default: the chat template is used. */
  format?: FormatName | Partial<Format> | (string & {}) | undefined;
  /** A chat template in Jinja. Default: the model's own. Excludes `format`. */
  template?: string | undefined;
  /** The initial system message, `''` for none. Default: the format's `systemPrompt`. */
  system?: string | undefined;
  /** The initial messages after the system message. Default none. */
  messages?: readonly MessageLike[] | undefined;
  /**
   * How the bot's tokens are sampled. Default: `samplers.DefaultSampling` on a LLaMa, else the
   * LM's default.
   */
  sampler?: CompletionDefaults['sampler'];
  /** The maximum tokens of an answer. Default Infinity: until it ends or the context is full. */
  maxTokens?: number | undefined;
  /**
   * For templates without system messages: merge each one into the next user message, as its
   * first line. Default false: such a template rejects them.
   */
  mergeSystem?: boolean | undefined;
}

/** Options of `send` and its like: those of `complete` that apply to an answer. */
export interface SendOptions
  extends Pick<
    CompleteOptions,
    'signal' | 'stopOnAbort' | 'maxTokens' | 'stop' | 'sampler' | 'grammar' | 'jsonSchema'
  > {
  /**
   * What the answer begins with, with leading and trailing whitespace removed. It becomes part of
   * the bot's message. Default none.
   */
  prefix?: string | undefined;
}

/** Checked options, with defaults, of {@link readThreadOptions}. */
export interface ThreadSettings {
  format: Readonly<Format> | undefined;
  template: string | undefined;
  messages: Message[];
  sampler: SamplerSettings | undefined;
  maxTokens: number;
  mergeSystem: boolean;
}

/** Checks the options of a thread; throws TypeError or RangeError. */
export function readThreadOptions(value: ThreadOptions | undefined): ThreadSettings {
  const options = checkOptions(value, 'options', [
    'format',
    'template',
    'system',
    'messages',
    'sampler',
    'maxTokens',
    'mergeSystem',
  ]);
  const { format: formatOrName, template, system, messages = [] } = options;
  const format = formatOrName === undefined ? undefined : findFormat(formatOrName, 'format');
  if (format !== undefined && template !== undefined) {
    throw wrongType('undefined (format is set)', 'template', template);
  }
  if (!Array.isArray(messages)) throw wrongType('an array of messages', 'messages', messages);
  const opening = checkString(system ?? format?.systemPrompt ?? '', 'system');
  const first: MessageLike[] = opening === '' ? [] : [{ role: 'system', content: opening }];
  return {
    format,
    template: template === undefined ? undefined : checkString(template, 'template'),
    messages: [
      ...readMessages(first, 'system', format),
      ...readMessages(messages, 'messages', format),
    ],
    sampler: readSampler(options.sampler),
    maxTokens: readMaxTokens(options.maxTokens ?? Infinity, 'maxTokens'),
    mergeSystem: checkBoolean(options.mergeSystem ?? false, 'mergeSystem'),
  };
}

const readSampler = (value: CompletionDefaults['sampler']): SamplerSettings | undefined =>
  value === undefined || value instanceof SamplerSettings ? value : new SamplerSettings(value);

/** Checks messages; returns copies with prefix and postfix filled in. Throws a TypeError. */
export function readMessages(
  messages: readonly unknown[],
  name: string,
  format: Format | undefined,
): Message[] {
  const around = (role: Message['role']): { prefix: string; postfix: string } =>
    format === undefined ? { prefix: '', postfix: '' } : aroundRole(format, role);
  return messages.map((message, index) => readMessage(message, `${name}[${index}]`, around));
}

/** Checks the options of one answer; throws TypeError or RangeError. The LM checks its own. */
export function readSendOptions(value: SendOptions | undefined) {
  const { prefix, signal, maxTokens, stop, ...rest } = checkOptions(value, 'options', [
    'prefix',
    'signal',
    'stopOnAbort',
    'maxTokens',
    'stop',
    'sampler',
    'grammar',
    'jsonSchema',
  ]);
  return {
    prefix: checkString(prefix ?? '', 'prefix').trim(),
    signal: checkSignal(signal, 'signal'),
    maxTokens: maxTokens === undefined ? undefined : readMaxTokens(maxTokens, 'maxTokens'),
    stops: stop === undefined ? [] : [stop].flat(),
    rest,
  };
}

/** The checked options of {@link readSendOptions}. */
export type SendRequest = ReturnType<typeof readSendOptions>;
