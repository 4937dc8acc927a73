// The default wording of decisions. `lib/decide/prompts.ts` renders what it returns with the model's
// chat template, or as plain text; a caller may pass another function instead.

import type { QuestionType } from './question.js';

/** How options are scored: as texts, or by labels under which they are listed. */
export type DecisionMethod = 'text' | 'labels';

/** One question in one order of its options, as a rendering receives it. */
export interface DecisionView {
  /** The state as text, `''` if there is none. Of a conversation: what the user wrote last. */
  readonly state: string;
  readonly type: QuestionType;
  /** `''` if there are none. */
  readonly instructions: string;
  /**
   * In the order in which they are listed. By method `'text'`: in an order that does not depend on the
   * caller's.
   */
  readonly options: readonly {
    /** The option's name, the level's text, `Yes` or `No`. */
    readonly name: string;
    readonly description: string | undefined;
    /** By method `'labels'`: its label. */
    readonly label: string | undefined;
  }[];
  readonly method: DecisionMethod;
  /** Whether the text becomes the content of a user's message under a chat template. */
  readonly chat: boolean;
}

/** One question as text. */
export interface DecisionPrompt {
  /**
   * The beginning, which is tokenized by itself: questions with the same one share it. It should hold
   * the state, and end where a token is likely to end.
   */
  readonly context: string;
  /** What follows it, up to the answer. */
  readonly question: string;
  /** Per option: the text that is scored. Default: its label, or else its name. */
  readonly answers?: readonly string[] | undefined;
  /**
   * What stands between question and answer, scored as part of the answer. Default: a space, unless a
   * chat template ends with white space or markup.
   */
  readonly lead?: string | undefined;
}

/** Renders one question. It should depend on nothing but its argument. */
export type RenderDecision = (view: DecisionView) => DecisionPrompt;

const line = (title: string, description: string | undefined): string =>
  description === undefined ? title : `${title}: ${description}`;

/** Whether a text ends with a question mark, in any script, and so asks by itself. */
const asks = (text: string): boolean => /[?\uff1f\u061f\u037e]\s*$/.test(text);

/** The lines that list options: all of them with labels; as texts, only if any has a description. */
function listed({ method, options }: DecisionView): string[] {
  if (method === 'labels') {
    return options.map(({ name, description, label }) => `${label}. ${line(name, description)}`);
  }
  if (options.every(({ description }) => description === undefined)) return [];
  return options.map(({ name, description }) => line(name, description));
}

/**
 * The default rendering: the state, a blank line, the instructions and the options; without a chat
 * template, the question stands between `Q:` and `A:`. Yes or no is requested unless the instructions
 * end with a question mark, the letter by method `'labels'`.
 *
 * By method `'text'` options are listed only if any has a description, so that otherwise none is seen
 * by another.
 *
 * @example
 * const render = (view) => {
 *   const { question, ...rest } = renderDecision(view);
 *   return { ...rest, question: question.toUpperCase() };
 * };
 * await lm.decide('The sky is blue.', questions, { render });
 */
export function renderDecision(view: DecisionView): DecisionPrompt {
  const { state, instructions, chat, method, type } = view;
  const asked = [instructions, ...listed(view)];
  if (method === 'labels') asked.push('Answer with the letter only.');
  else if (type === 'boolean' && !asks(instructions)) asked.push('Answer with Yes or No.');
  const question = asked.filter((each) => each !== '').join('\n');
  return {
    context: state === '' ? '' : `${state}\n\n`,
    question: chat ? question : `Q: ${question}\nA:`,
  };
}
