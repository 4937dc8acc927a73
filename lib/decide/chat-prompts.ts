// Prompts of a decision under a chat template: the state and a question are the user's last message,
// and the answer begins the bot's turn. A template renders the whole conversation, so it is rendered
// once, with a mark in place of the question, and cut there. `lib/decide/prepare.ts` loads this file
// for models with a template.

import { Conversation, modelOf } from '../chat-template/conversation.js';
import { Message } from '../chat-template/message.js';
import { type Segment, textOf } from '../chat-template/segments.js';
import { NotSupportedError } from '../common/errors.js';
import type { LM } from '../lm.js';
import { byContext, leadAfter, type PromptTokenizer, type PromptTokens } from './prompts.js';
import type { DecisionPrompt } from './render.js';
import type { CheckedState } from './state.js';

/** How many prompts are tokenized at once. */
const atOnce = 64;

/** Parsed templates by LM, and by the caller's template and `mergeSystem`. */
const conversations = new WeakMap<LM, Map<string, Conversation>>();

function conversationOf(lm: LM, template: string | undefined, mergeSystem: boolean): Conversation {
  const known = conversations.get(lm) ?? new Map<string, Conversation>();
  conversations.set(lm, known);
  const key = JSON.stringify([mergeSystem, template]);
  const conversation =
    known.get(key) ?? new Conversation(lm, { format: undefined, template, mergeSystem });
  known.set(key, conversation);
  return conversation;
}

/** Whether an LM's model has a chat template. */
export const hasTemplate = (lm: LM): boolean => modelOf(lm)?.info.chatTemplate !== undefined;

/** Renders prompts with a chat template, by default the model's. */
export function chatPrompts(
  lm: LM,
  template: string | undefined,
  signal: AbortSignal | undefined,
): PromptTokenizer {
  return async (state, prompts) => {
    const render = (mergeSystem: boolean) => {
      const conversation = conversationOf(lm, template, mergeSystem);
      return new ChatPrompts(conversation, state, lm.encoderDecoder, signal).tokens(prompts);
    };
    try {
      return await render(false);
    } catch (error) {
      signal?.throwIfAborted();
      const hasSystem = state.messages.some(({ role }) => role === 'system');
      if (!hasSystem || !(error instanceof NotSupportedError)) throw error;
      // Some templates have no system messages.
      return render(true);
    }
  };
}

/** A conversation around a question. */
interface Frame {
  before: readonly Segment[];
  after: readonly Segment[];
}

class ChatPrompts {
  readonly #conversation: Conversation;
  readonly #state: CheckedState;
  readonly #isWhole: boolean;
  readonly #signal: AbortSignal | undefined;

  constructor(
    conversation: Conversation,
    state: CheckedState,
    isWhole: boolean,
    signal: AbortSignal | undefined,
  ) {
    this.#conversation = conversation;
    this.#state = state;
    this.#isWhole = isWhole;
    this.#signal = signal;
  }

  async tokens(prompts: readonly DecisionPrompt[]): Promise<PromptTokens[]> {
    const found = new Map<DecisionPrompt, PromptTokens>();
    for (const [context, group] of byContext(prompts)) {
      const frame = this.#isWhole ? undefined : await this.#frame(context);
      const head = frame && (await this.#conversation.render(frame.before, this.#signal));
      for (let start = 0; start < group.length; start += atOnce) {
        const some = group.slice(start, start + atOnce);
        const tokens = await Promise.all(
          some.map(async (prompt) => {
            const segments = await this.#segments(context + prompt.question);
            return frame && head && fits(frame, prompt, segments)
              ? this.#continued(frame, head, prompt)
              : this.#whole(segments, prompt);
          }),
        );
        for (const [index, prompt] of some.entries()) {
          found.set(prompt, tokens[index] as PromptTokens);
        }
      }
    }
    return prompts.map((prompt) => found.get(prompt) as PromptTokens);
  }

  async #continued(
    { after }: Frame,
    head: Int32Array,
    prompt: DecisionPrompt,
  ): Promise<PromptTokens> {
    const segments = [{ text: prompt.question, content: true }, ...after];
    const tail = await this.#conversation.render(nonEmpty(segments), this.#signal, true);
    return { head, tail, lead: prompt.lead ?? leadAfter(textOf(segments)) };
  }

  /** Without a shared beginning. */
  async #whole(segments: readonly Segment[], prompt: DecisionPrompt): Promise<PromptTokens> {
    const tail = await this.#conversation.render(segments, this.#signal);
    const lead = prompt.lead ?? (this.#isWhole ? '' : leadAfter(textOf(segments)));
    return { head: new Int32Array(0), tail, lead };
  }

  /** What stands around the questions after a context; undefined if that cannot be told. */
  async #frame(context: string): Promise<Frame | undefined> {
    const mark = this.#mark(context);
    if (mark === undefined) return undefined;
    const segments = await this.#segments(context + mark);
    const at = segments.findIndex(({ text, content }) => content && text.includes(mark));
    const [before = '', behind = '', ...others] = segments[at]?.text.split(mark) ?? [];
    const isOnce = others.length === 0 && textOf(segments.slice(at + 1)).includes(mark) === false;
    if (at < 0 || !isOnce) return undefined;
    return {
      before: nonEmpty([...segments.slice(0, at), { text: before, content: true }]),
      after: nonEmpty([{ text: behind, content: true }, ...segments.slice(at + 1)]),
    };
  }

  /** A private-use character that occurs nowhere; undefined if there is none. */
  #mark(context: string): string | undefined {
    const source = this.#conversation.template?.source ?? '';
    const texts = [source, context, ...this.#state.messages.map(({ content }) => content)];
    for (let code = 0xf8ff; code >= 0xe000; code--) {
      const character = String.fromCharCode(code);
      if (!texts.some((text) => text.includes(character))) return character;
    }
    return undefined;
  }

  /** The conversation with this as the user's last message, up to the answer, without thoughts. */
  async #segments(content: string): Promise<Segment[]> {
    const messages = [...this.#state.messages, new Message('user', content)];
    const options = { thinking: false };
    const segments = await this.#conversation.segments(messages, options, this.#signal);
    // A template that opens the thoughts in any case: they are closed at once.
    const opened = /<think>\s*$/.test(textOf(segments));
    return opened ? [...segments, { text: '\n</think>\n\n', content: false }] : segments;
  }
}

/**
 * Whether the template renders a question as it is, like the mark: not one that trims questions and
 * has one to trim. Each is compared, since neither the others nor their order may change its tokens.
 */
const fits = (
  { before, after }: Frame,
  { question }: DecisionPrompt,
  segments: readonly Segment[],
): boolean => textOf(segments) === textOf(before) + question + textOf(after);

const nonEmpty = (segments: readonly Segment[]): Segment[] =>
  segments.filter(({ text }) => text !== '');
