// What the two formats of decisions have in common, and the interface through which `wire.ts` uses
// them.

import type { DecideRequest } from '../../decide/decide-options.js';
import type { CheckedQuestion } from '../../decide/question.js';
import type { CheckedState } from '../../decide/state.js';
import type { ReportedAnswer } from './decide-result.js';
import type { Fields } from './read-numbers.js';

/** A format of decisions. */
export interface Format {
  /** The path after `/v1`. */
  readonly path: string;
  /** The body of a tiny request, without the model. */
  readonly probe: object;
  /** The answers of a reply; undefined if the reply is of another format. */
  answersIn(reply: Fields): readonly unknown[] | undefined;
  /** What the format supports, if it does not support these questions. */
  limit(questions: readonly CheckedQuestion[], request: DecideRequest): string | undefined;
  /** The body of a request, without the model. */
  body(state: CheckedState, questions: readonly CheckedQuestion[]): object;
  /** The answers in the order of the questions, unread. Throws a RemoteError. */
  answersOf(reply: Fields, questions: readonly CheckedQuestion[]): readonly unknown[];
  /** The format's name of a question's type. */
  typeOf(question: CheckedQuestion): string;
  /** Reads an answer of the question's type. Throws a RemoteError. */
  readAnswer(question: CheckedQuestion, answer: Fields, at: string): ReportedAnswer;
}

/** Limits of both formats. */
const maxOptions = 255;
const maxLevels = 10;

/** What a format supports, if it does not support the number of a question's options. */
export function optionLimit(
  questions: readonly CheckedQuestion[],
  least: number,
): string | undefined {
  for (const { name, type, options } of questions) {
    if (type === 'boolean') continue;
    const most = type === 'score' ? maxLevels : maxOptions;
    if (options.length >= least && options.length <= most) continue;
    const items = type === 'score' ? 'levels' : 'options';
    return `${least} to ${most} ${items}, not the ${options.length} of question ${JSON.stringify(name)}`;
  }
  return undefined;
}

/** Whether an object lists a question's options in another order: names like integers come first. */
export function keysMove({ options }: CheckedQuestion): boolean {
  const names = options.map(({ name }) => name);
  const keys = Object.keys(Object.fromEntries(names.map((name) => [name, null])));
  return names.some((name, index) => name !== keys[index]);
}

const roles = { system: 'system', user: 'user', bot: 'assistant' } as const;

/** A conversation as messages. */
export function messagesOf({ messages, text }: CheckedState): object[] {
  const sent = messages.map(({ role, content }) => ({ role: roles[role], content }));
  return text === '' ? sent : [...sent, { role: 'user' as const, content: text }];
}
