// ChatTemplate: a model's own Jinja template, which renders a conversation in the format that the
// model was trained on. `segments.ts` renders prompts with it.

import { checkBoolean, checkOptions, checkString } from '../common/arguments.js';
import { NotSupportedError } from '../common/errors.js';
import { TemplateError, TemplateRejection } from './jinja/errors.js';
import { render } from './jinja/execute.js';
import { claimText, type Limits, limitsFor } from './jinja/meter.js';
import type { Statement } from './jinja/nodes.js';
import { parse } from './jinja/parser.js';
import { str } from './jinja/print.js';
import { renderNow, renderWithPauses, type Stepwise } from './jinja/rendering.js';
import { type Args, Callable, Dict, type Value } from './jinja/values.js';
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
  /**
   * Whether the model may think before it answers, for templates that can switch that: the variables
   * `enable_thinking` and `thinking`. Default: neither is defined, so that the template decides.
   */
  thinking?: boolean | undefined;
}

/** Renders with pauses that let others run; the signal's abort rejects with its reason. */
export let renderInSteps: (
  template: ChatTemplate,
  messages: readonly TemplateMessage[],
  options: TemplateRenderOptions | undefined,
  signal: AbortSignal | undefined,
) => Promise<string>;

/** A message to render. Templates see the role `bot` as `assistant`. */
export interface TemplateMessage {
  role: Role;
  content: string;
}

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
  readonly #program: readonly Statement[];

  static {
    renderInSteps = async (template, messages, options, signal) => {
      const { work, limits } = template.#start(messages, options);
      try {
        return await renderWithPauses(work, limits, signal);
      } catch (cause) {
        if (signal?.aborted) throw signal.reason;
        throw failure(cause);
      }
    };
  }

  /** @throws NotSupportedError for an invalid template, or a statement that is not supported */
  constructor(source: string, options?: ChatTemplateOptions) {
    const { bosToken, eosToken } = checkOptions(options, 'options', ['bosToken', 'eosToken']);
    this.source = checkString(source, 'source');
    this.bosToken = checkString(bosToken ?? '', 'bosToken');
    this.eosToken = checkString(eosToken ?? '', 'eosToken');
    try {
      this.#program = parse(source);
    } catch (cause) {
      throw new NotSupportedError(`Cannot parse the chat template: ${messageOf(cause)}`, { cause });
    }
  }

  /**
   * Renders the conversation as text, with special tokens spelled out. The template may transform
   * contents: most trim them.
   *
   * @throws NotSupportedError if the template rejects the messages, as many do with a system
   * message or with roles that do not alternate, if it fails on them, or if it takes far more steps,
   * memory or time than a template needs (docs/reliability.md)
   */
  render(messages: readonly TemplateMessage[], options?: TemplateRenderOptions): string {
    const { work, limits } = this.#start(messages, options);
    try {
      return renderNow(work, limits);
    } catch (cause) {
      throw failure(cause);
    }
  }

  /** A rendering that has not begun. Throws TypeError. */
  #start(
    messages: readonly TemplateMessage[],
    options: TemplateRenderOptions | undefined,
  ): { work: Stepwise<string>; limits: Limits } {
    const known = ['addGenerationPrompt', 'now', 'thinking'] as const;
    const given = checkOptions(options, 'options', known);
    const { addGenerationPrompt, now = new Date(), thinking } = given;
    const isOpening = checkBoolean(addGenerationPrompt ?? true, 'addGenerationPrompt');
    const variables: Record<string, Value> = {
      messages: messages.map(
        ({ role, content }) => new Dict(Object.entries({ role: roleNames[role], content })),
      ),
      // None rather than undefined, as where models are trained: templates tell them apart.
      tools: null,
      documents: null,
      add_generation_prompt: isOpening,
      bos_token: this.bosToken,
      eos_token: this.eosToken,
      raise_exception: new Callable('raise_exception', (args) => {
        throw new TemplateRejection(onlyText(args));
      }),
      strftime_now: new Callable('strftime_now', (args) => {
        const pattern = onlyText(args);
        claimText(10 * pattern.length);
        return format(now, pattern);
      }),
    };
    if (thinking !== undefined) {
      variables.enable_thinking = variables.thinking = checkBoolean(thinking, 'thinking');
    }
    const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
    return {
      work: render(this.#program, Object.entries(variables)),
      limits: limitsFor(messages.length, this.source.length + characters),
    };
  }
}

/** The longest message of an error, which a template may make as long as any text. */
const maxMessage = 500;

function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause instanceof RangeError && /call stack/.test(cause.message))
    return 'it is nested too deep';
  return cause.message.slice(0, maxMessage);
}

function failure(cause: unknown): NotSupportedError {
  const verb = cause instanceof TemplateRejection ? 'rejects' : 'fails on';
  return new NotSupportedError(`The chat template ${verb} these messages: ${messageOf(cause)}`, {
    cause,
  });
}

/** The text of a function's one argument. */
function onlyText({ positional, keywords }: Args): string {
  const [value] = [...positional, ...keywords.values()];
  if (value === undefined) throw new TemplateError('expected an argument');
  return str(value);
}
