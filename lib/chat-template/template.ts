// ChatTemplate: a model's own Jinja template, which writes a conversation as the model was
// trained to read it. `segments.ts` renders with it what threads send.

import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { checkBoolean, checkOptions, checkString } from '../common/arguments.js';
import { NotSupportedError } from '../common/errors.js';
import type { Role } from './message.js';
import { format } from './strftime.js';

/** What {@link ChatTemplate} takes besides its source. */
export interface ChatTemplateOptions {
  /** The text of the model's beginning token. Default `''`. */
  bosToken?: string | undefined;
  /** The text of the model's end token. Default `''`. */
  eosToken?: string | undefined;
}

/** What {@link ChatTemplate.render} takes besides the messages. */
export interface TemplateRenderOptions {
  /** End with what opens the bot's turn. Default true. */
  addGenerationPrompt?: boolean | undefined;
  /** What time it is, for templates that tell it. Default: now. */
  now?: Date | undefined;
}

/** A message as templates see it: their bot is called assistant. */
export interface TemplateMessage {
  role: Role;
  content: string;
}

/** Where a template says no: its own words. */
class Refusal extends Error {}

/** As Hugging Face's own renderer has Jinja read chat templates. */
const whitespace = { lstrip_blocks: true, trim_blocks: true };

/** Python's range, which no template needs long. */
function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (!(length <= 1e6)) throw new Refusal('range() is too long');
  return Array.from({ length }, (_, index) => from + index * step);
}

/** What every template finds, whatever the messages are. */
const constants = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range,
  raise_exception: (message: unknown) => {
    throw new Refusal(String(message));
  },
};

const roleNames: Readonly<Record<Role, string>> = {
  system: 'system',
  user: 'user',
  bot: 'assistant',
};

/**
 * A chat template in Jinja, as models carry it in `tokenizer.chat_template`.
 *
 * @example
 * const template = new ChatTemplate(model.info.chatTemplate, { bosToken: '<s>' });
 * template.render([{ role: 'user', content: 'Hello' }]);
 */
export class ChatTemplate {
  /** The template itself. */
  readonly source: string;
  readonly bosToken: string;
  readonly eosToken: string;
  readonly #program: ReturnType<typeof parse>;

  /** @throws NotSupportedError for what is no template, or one beyond the engine's Jinja */
  constructor(source: string, options?: ChatTemplateOptions) {
    const { bosToken, eosToken } = checkOptions(options, 'options', ['bosToken', 'eosToken']);
    this.source = checkString(source, 'source');
    this.bosToken = checkString(bosToken ?? '', 'bosToken');
    this.eosToken = checkString(eosToken ?? '', 'eosToken');
    try {
      this.#program = parse(tokenize(source, whitespace));
    } catch (cause) {
      throw new NotSupportedError(`The chat template cannot be read: ${words(cause)}`, { cause });
    }
  }

  /**
   * The conversation as text, special tokens spelled out. What the template does with contents
   * is done with them: most trim them.
   *
   * @throws NotSupportedError where the template refuses the messages, as many do with a system
   * message or with roles that do not alternate, or fails on them
   */
  render(messages: readonly TemplateMessage[], options?: TemplateRenderOptions): string {
    const known = ['addGenerationPrompt', 'now'] as const;
    const { addGenerationPrompt, now = new Date() } = checkOptions(options, 'options', known);
    const variables = {
      ...constants,
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
      const verb = cause instanceof Refusal ? 'refuses' : 'fails on';
      throw new NotSupportedError(
        `The model's chat template ${verb} these messages: ${words(cause)}`,
        { cause },
      );
    }
  }
}

const words = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
