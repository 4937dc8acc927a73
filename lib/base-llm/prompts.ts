// How an LM takes conversations: as tokens, rendered with a template or a format; or as messages,
// if it answers conversations itself. LocalLLM has one for each LM that it uses.

import { answersChats } from '../chat-template/chat-lm.js';
import { chatPrompt } from '../chat-template/chat-prompt.js';
import { Conversation, modelOf } from '../chat-template/conversation.js';
import { type Format, readFormat } from '../chat-template/format.js';
import { Message } from '../chat-template/message.js';
import { checkInteger } from '../common/arguments.js';
import { NotSupportedError } from '../common/errors.js';
import { concatenate } from '../common/token-arrays.js';
import type { LM } from '../lm.js';
import { defaultRole, type HistoryMessage } from './history.js';
import type { Plan } from './plan.js';

/** How messages are rendered; nothing: as the model or the server does, or else as plain text. */
export interface PromptStyle {
  format: Readonly<Format> | undefined;
  template: string | undefined;
  mergeSystem: boolean;
}

/** A prompt of tokens with its stops, or a conversation. */
export type LLMPrompt =
  | { tokens: Int32Array; stop: (string | number)[] }
  | { messages: readonly HistoryMessage[]; stop: (string | number)[] };

/** The answer's tokens to make room for, if nothing limits them. */
const defaultReserve = 128;

const capitalized = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** A text that the model continues. */
const plain = readFormat({ systemSuffix: '\n\n' }, 'format');

/** A dialog that the model continues. */
const transcript = (role: string): Readonly<Format> =>
  readFormat(
    {
      systemSuffix: '\n\n',
      userPrefix: 'User: ',
      userSuffix: '\n',
      botPrefix: `${capitalized(role)}: `,
      botSuffix: '\n',
      stops: ['\nUser:'],
    },
    'format',
  );

/** Prepares prompts for one LM. */
export class Prompts {
  readonly #lm: LM;
  readonly #style: PromptStyle;
  /** Undefined if the LM answers conversations itself, or continues plain text. */
  readonly #conversation: Conversation | undefined;
  readonly #isPlain: boolean;

  /** @throws NotSupportedError for a template that cannot be parsed */
  constructor(lm: LM, style: PromptStyle) {
    this.#lm = lm;
    this.#style = style;
    const isStyled = style.format !== undefined || style.template !== undefined;
    const isRendered = isStyled || modelOf(lm)?.info.chatTemplate !== undefined;
    this.#conversation = isRendered ? new Conversation(lm, style) : undefined;
    this.#isPlain = !isRendered && !answersChats(lm);
  }

  /** Throws what {@link prepare} would, as far as it does not depend on the messages. */
  check({ bosToken, maxLength, stops }: Plan, role: string | undefined): void {
    const { vocabularySize: size } = this.#lm;
    const checkToken = (token: number, name: string): void => {
      if (size !== undefined) checkInteger(token, name, 0, size - 1);
    };
    if (bosToken !== undefined) checkToken(bosToken, 'bosTokenId');
    for (const stop of stops) {
      if (typeof stop === 'number') checkToken(stop, 'a token id of stopToken or eosTokenId');
    }
    if (!this.#isPlain && role !== undefined && !/^(assistant|bot)$/i.test(role)) {
      throw new NotSupportedError(
        `The role ${role} needs a model without a chat template: templates know the assistant`,
      );
    }
    if (this.#conversation !== undefined || this.#isPlain) return;
    for (const [name, value] of Object.entries({ bosTokenId: bosToken, maxLength })) {
      if (value === undefined) continue;
      throw new NotSupportedError(`${name} is not supported: the server renders the prompt`);
    }
  }

  /**
   * The prompt of the next turn.
   *
   * @param isDialog whether a model without a template is to continue a dialog
   * @throws ContextOverflowError if the last message is too long
   */
  async prepare(
    messages: readonly HistoryMessage[],
    plan: Plan,
    role: string | undefined,
    isDialog: boolean,
  ): Promise<LLMPrompt> {
    this.check(plan, role);
    const { stops, maxTokens = defaultReserve, bosToken } = plan;
    if (this.#conversation === undefined && !this.#isPlain) return { messages, stop: stops };
    const conversation = this.#rendering(role, isDialog);
    const limit = Math.min(this.#lm.contextSize ?? Infinity, plan.maxLength ?? Infinity);
    const contextSize = limit === Infinity ? undefined : limit;
    const turns = turnsOf(messages, conversation.format);
    const options = { maxTokens, contextSize, stops };
    const { tokens, stop } = await chatPrompt(this.#lm, conversation, turns, options);
    return { tokens: bosToken === undefined ? tokens : this.#withBos(tokens, bosToken), stop };
  }

  /** The tokens of a conversation without the opening of the next turn; undefined if unknown. */
  async tokensOf(
    messages: readonly HistoryMessage[],
    role: string | undefined,
  ): Promise<Int32Array | undefined> {
    if (this.#conversation === undefined && !this.#isPlain) return undefined;
    const conversation = this.#rendering(role, true);
    return conversation.tokens(turnsOf(messages, conversation.format), false);
  }

  #rendering(role = defaultRole, isDialog: boolean): Conversation {
    const format = isDialog ? transcript(role) : plain;
    return this.#conversation ?? new Conversation(this.#lm, { ...this.#style, format });
  }

  /** The prompt with another token at its beginning. */
  #withBos(tokens: Int32Array, bos: number): Int32Array {
    const own = modelOf(this.#lm)?.vocab.bos;
    const rest = own !== undefined && tokens[0] === own ? tokens.subarray(1) : tokens;
    return concatenate(Int32Array.of(bos), rest);
  }
}

function turnsOf(messages: readonly HistoryMessage[], format: Format | undefined): Message[] {
  return messages.map(({ role, content }) => {
    const speaker = role === 'assistant' ? 'bot' : role;
    if (format === undefined) return new Message(speaker, content);
    const [prefix, postfix] = [format[`${speaker}Prefix`], format[`${speaker}Suffix`]];
    return new Message(speaker, content, { prefix, postfix });
  });
}
