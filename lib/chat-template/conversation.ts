// Renders messages for an LM, with a format or a chat template, as text and as tokens. `Thread`
// and the server's `Served` own one each.

import { NotSupportedError } from '../common/errors.js';
import type { LM } from '../lm.js';
import type { Model } from '../model/model.js';
import type { Format } from './format.js';
import { Message } from './message.js';
import { TokenRenderer } from './render-tokens.js';
import { formatSegments, mergeHint, type Segment, templateSegments } from './segments.js';
import { ChatTemplate, type TemplateRenderOptions } from './template.js';

/** The model behind an LM, if any. */
export function modelOf(lm: LM): Model | undefined {
  const model = (lm as Partial<{ model: Model }>).model;
  return typeof model?.tokenBytes === 'function' ? model : undefined;
}

/** The texts of the BOS and EOS tokens, which templates refer to. */
function tokenTexts(model: Model | undefined) {
  const text = (token: number | undefined): string =>
    token === undefined || model === undefined
      ? ''
      : model.detokenizeSync(Int32Array.of(token), { special: true });
  return { bosToken: text(model?.vocab.bos), eosToken: text(model?.vocab.eos) };
}

/** Renders conversations for one LM. */
export class Conversation {
  readonly format: Readonly<Format> | undefined;
  readonly template: ChatTemplate | undefined;
  readonly #mergeSystem: boolean;
  readonly #encoderDecoder: boolean;
  readonly #tokens: TokenRenderer;

  /** @throws NotSupportedError if neither the caller nor the model has a format or template */
  constructor(lm: LM, { format, template, mergeSystem }: ConversationStyle) {
    const model = modelOf(lm);
    this.format = format;
    this.#mergeSystem = mergeSystem;
    this.#encoderDecoder = lm.encoderDecoder;
    this.#tokens = new TokenRenderer(lm, model);
    if (format !== undefined) return;
    const source = template ?? model?.info.chatTemplate;
    if (source === undefined) {
      throw new NotSupportedError(
        'The model has no chat template: set the option format or template',
      );
    }
    this.template = new ChatTemplate(source, tokenTexts(model));
  }

  /** The messages as text; with `opening`, plus the opening of the bot's turn and `prefix`. */
  text(messages: readonly Message[], opening: boolean, prefix = ''): string {
    // Rendered directly rather than from marked segments, whose text may differ.
    const { template } = this;
    if (template !== undefined) {
      const render = (merged: readonly Message[]): string =>
        template.render(merged, { addGenerationPrompt: opening });
      try {
        return render(this.#merged(messages)) + prefix;
      } catch (error) {
        const merged = this.#mergeable(messages, error);
        if (merged === undefined) throw error;
        try {
          render(merged);
        } catch {
          throw error;
        }
        throw withMergeHint(error as NotSupportedError);
      }
    }
    return this.#formatted(messages, opening, prefix)
      .map(({ text }) => text)
      .join('');
  }

  /** As {@link text}, but as tokens. */
  async tokens(
    messages: readonly Message[],
    opening: boolean,
    prefix = '',
    signal?: AbortSignal,
  ): Promise<Int32Array> {
    return this.render(await this.#segments(messages, opening, prefix, signal), signal);
  }

  /** The messages and the opening of the bot's turn, as segments of text. */
  segments(
    messages: readonly Message[],
    options: Pick<TemplateRenderOptions, 'thinking'>,
    signal?: AbortSignal,
  ): Promise<Segment[]> {
    return this.#segments(messages, true, '', signal, options.thinking);
  }

  /** The tokens of segments: of a whole conversation, or of what continues it. */
  render(
    segments: readonly Segment[],
    signal?: AbortSignal,
    continuation = false,
  ): Promise<Int32Array> {
    if (continuation) return this.#tokens.renderContinuation(segments, signal);
    return this.#tokens.render(segments, this.template?.bosToken ?? '', signal);
  }

  /**
   * The control tokens whose texts are among these stop strings. They must be stops themselves:
   * control tokens generate no text that a stop string could match.
   */
  async controlTokens(stops: readonly (string | number)[]): Promise<number[]> {
    const texts = stops.filter((stop) => typeof stop === 'string');
    const tokens = await Promise.all(texts.map((text) => this.#tokens.controlToken(text)));
    return tokens.filter((token) => token !== undefined);
  }

  async #segments(
    messages: readonly Message[],
    opening: boolean,
    prefix: string,
    signal: AbortSignal | undefined,
    thinking?: boolean,
  ): Promise<Segment[]> {
    const { template } = this;
    if (prefix !== '' && this.#encoderDecoder) {
      throw new NotSupportedError(
        'An encoder-decoder cannot continue a prefix: its decoder begins each answer anew',
      );
    }
    if (messages.length === 0 && !opening) return [];
    if (template === undefined) return this.#formatted(messages, opening, prefix);
    const render = (merged: readonly Message[]): Promise<Segment[]> =>
      templateSegments(template, merged, { addGenerationPrompt: opening, thinking }, signal);
    let segments: Segment[];
    try {
      segments = await render(this.#merged(messages));
    } catch (error) {
      const merged = this.#mergeable(messages, error);
      if (merged === undefined) throw error;
      const isMended = await render(merged).then(
        () => true,
        () => false,
      );
      signal?.throwIfAborted();
      throw isMended ? withMergeHint(error as NotSupportedError) : error;
    }
    return prefix === '' ? segments : [...segments, { text: prefix, content: true }];
  }

  #formatted(messages: readonly Message[], opening: boolean, prefix: string): Segment[] {
    if (messages.length === 0 && !opening) return [];
    const merged = this.#merged(messages);
    const bot = this.format?.botPrefix ?? '';
    if (prefix === '') return formatSegments(merged, opening ? bot : undefined);
    return [
      ...formatSegments(merged),
      { text: bot, content: false },
      { text: prefix, content: true },
    ];
  }

  /** What to try in place of messages that the template refuses: perhaps only system messages are
   * in its way, and then the error says so. */
  #mergeable(messages: readonly Message[], error: unknown): readonly Message[] | undefined {
    const canMerge = !this.#mergeSystem && messages.some(({ role }) => role === 'system');
    if (!(error instanceof NotSupportedError) || !canMerge) return undefined;
    if (error.message.endsWith(mergeHint)) return undefined;
    return mergedInto(messages, this.format);
  }

  /** With `mergeSystem`, merges each system message into the next user message. */
  #merged(messages: readonly Message[]): readonly Message[] {
    return this.#mergeSystem ? mergedInto(messages, this.format) : messages;
  }
}

const withMergeHint = ({ message, cause }: NotSupportedError): NotSupportedError =>
  new NotSupportedError(`${message}; ${mergeHint}`, { cause });

/** Merges each system message into the next user message, or into one at the end. */
function mergedInto(messages: readonly Message[], format: Readonly<Format> | undefined): Message[] {
  let pending: string[] = [];
  const merged: Message[] = [];
  for (const message of messages) {
    const { role, content, prefix, postfix } = message;
    if (role === 'system') {
      pending.push(content);
    } else if (role === 'user' && pending.length > 0) {
      const whole = [...pending, content].join('\n');
      merged.push(new Message('user', whole, { prefix, postfix }));
      pending = [];
    } else {
      merged.push(message);
    }
  }
  // No user message follows: it becomes one itself.
  if (pending.length > 0) {
    const { userPrefix: prefix = '', userSuffix: postfix = '' } = format ?? {};
    merged.push(new Message('user', pending.join('\n'), { prefix, postfix }));
  }
  return merged;
}

/** How conversations are rendered: with a format, a template, or else the model's template. */
export interface ConversationStyle {
  format: Readonly<Format> | undefined;
  template: string | undefined;
  mergeSystem: boolean;
}
