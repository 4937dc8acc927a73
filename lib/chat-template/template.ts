// ChatTemplate: a model's own Jinja template, which renders a conversation in the format that the
// model was trained on. `segments.ts` renders prompts with it.

import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { checkBoolean, checkOptions, checkString } from '../common/arguments.js';
import { NotSupportedError } from '../common/errors.js';
import type { Role } from './message.js';
import { format } from './strftime.js';

/** Options of {@link ChatTemplate}. */
export interface ChatTemplateOptions {
  /** The text of the model's BOS token. Default `''`. */
  bosToken?: string | undefined;
  /** The text of the model's EOS token. Default `''`. */
  eosToken?: string | undefined;
}

/** Options of {@link ChatTemplate.render}. */
export interface TemplateRenderOptions {
  /** Append the opening of the bot's turn. Default true. */
  addGenerationPrompt?: boolean | undefined;
  /** The current time, for templates that include the date. Default: now. */
  now?: Date | undefined;
}

/** A message to render. Templates see the role `bot` as `assistant`. */
export interface TemplateMessage {
  role: Role;
  content: string;
}

/** Thrown by a template's `raise_exception`, with the template's own message. */
class TemplateRejection extends Error {}

/** The whitespace options with which Hugging Face Transformers renders chat templates. */
const whitespace = { lstrip_blocks: true, trim_blocks: true };

/** Python's `range`, with a limit on its length that no template needs to exceed. */
function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (!(length <= 1e6)) throw new TemplateRejection('range() is too long');
  return Array.from({ length }, (_, index) => from + index * step);
}

/** Globals of every template, independent of the messages. */
const globals = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range,
  raise_exception: (message: unknown) => {
    throw new TemplateRejection(String(message));
  },
};

const roleNames: Readonly<Record<Role, string>> = {
  system: 'system',
  user: 'user',
  bot: 'assistant',
};

/**
 * A chat template in Jinja, as GGUF files have it in `tokenizer.chat_template`.
 *
 * @example
 * const template = new ChatTemplate(model.info.chatTemplate, { bosToken: '<s>' });
 * template.render([{ role: 'user', content: 'Hello' }]);
 */
export class ChatTemplate {
  /** The template's text. */
  readonly source: string;
  readonly bosToken: string;
  readonly eosToken: string;
  readonly #program: ReturnType<typeof parse>;

  /** @throws NotSupportedError for an invalid template, or Jinja that the engine lacks */
  constructor(source: string, options?: ChatTemplateOptions) {
    const { bosToken, eosToken } = checkOptions(options, 'options', ['bosToken', 'eosToken']);
    this.source = checkString(source, 'source');
    this.bosToken = checkString(bosToken ?? '', 'bosToken');
    this.eosToken = checkString(eosToken ?? '', 'eosToken');
    try {
      this.#program = parse(tokenize(source, whitespace));
    } catch (cause) {
      throw new NotSupportedError(`Cannot parse the chat template: ${messageOf(cause)}`, { cause });
    }
  }

  /**
   * Renders the conversation as text, with special tokens spelled out. The template may transform
   * contents: most trim them.
   *
   * @throws NotSupportedError if the template rejects the messages, as many do with a system
   * message or with roles that do not alternate, or if it fails on them
   */
  render(messages: readonly TemplateMessage[], options?: TemplateRenderOptions): string {
    const known = ['addGenerationPrompt', 'now'] as const;
    const { addGenerationPrompt, now = new Date() } = checkOptions(options, 'options', known);
    const variables = {
      ...globals,
      messages: messages.map(({ role, content }) => ({ role: roleNames[role], content })),
      add_generation_prompt: checkBoolean(addGenerationPrompt ?? true, 'addGenerationPrompt'),
      bos_token: this.bosToken,
      eos_token: this.eosToken,
      strftime_now: (pattern: string) => format(now, pattern),
    };
    const environment = new Environment();
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    try {
      return String(new Interpreter(environment).run(this.#program).value);
    } catch (cause) {
      const verb = cause instanceof TemplateRejection ? 'rejects' : 'fails on';
      throw new NotSupportedError(`The chat template ${verb} these messages: ${messageOf(cause)}`, {
        cause,
      });
    }
  }
}

const messageOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause);
