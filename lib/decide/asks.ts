// What the model is asked: each question in each order of its options, rendered as text.
// `lib/decide/prepare.ts` tokenizes it.

import { checkString, checkStrings, wrongRange, wrongType } from '../common/arguments.js';
import type { DecideRequest } from './decide-options.js';
import { labelsOf, maxLines, orderCount, rotations } from './labels.js';
import type { CheckedQuestion } from './question.js';
import type { DecisionPrompt, DecisionView } from './render.js';
import { type CheckedState, noState } from './state.js';

/** One question in one order. */
export interface Ask {
  question: CheckedQuestion;
  /** The indices of its options, in the order in which they are listed and scored. */
  order: readonly number[];
  /** Whether it is asked without the state. */
  isPrior: boolean;
  prompt: DecisionPrompt;
  /** Per listed option: the text of the answer, without the lead. */
  answers: readonly string[];
}

/**
 * An order that does not depend on the caller's, so that results do not either: of a choice by name,
 * in code units. Levels and cases have one by themselves.
 */
function ownOrder({ type, options }: CheckedQuestion): number[] {
  const indices = [...options.keys()];
  if (type !== 'choice') return indices;
  const name = (index: number): string => options[index]?.name ?? '';
  return indices.sort((a, b) => (name(a) < name(b) ? -1 : 1));
}

function ordersOf(question: CheckedQuestion, { method, orders }: DecideRequest): number[][] {
  if (method === 'text') return [ownOrder(question)];
  const { length } = question.options;
  const count = orderCount(orders, length);
  if (count * length > maxLines) {
    const most = Math.floor(maxLines / length);
    const what = `a number of at most ${most}, for a question of ${length} options,`;
    throw wrongRange(what, 'orders', orders);
  }
  const base = orders === 'balanced' ? ownOrder(question) : [...question.options.keys()];
  return rotations(base, count);
}

function readPrompt(value: unknown, count: number): DecisionPrompt {
  if (typeof value !== 'object' || value === null) {
    throw wrongType('an object', 'the result of render', value);
  }
  const { context, question, answers, lead } = value as DecisionPrompt;
  checkString(context, 'context of render');
  checkString(question, 'question of render');
  if (lead !== undefined) checkString(lead, 'lead of render');
  if (answers !== undefined && checkStrings(answers, 'answers of render').length !== count) {
    throw wrongRange(`${count} texts`, 'answers of render', answers);
  }
  return { context, question, answers, lead };
}

/** Renders every question in every order, after the state and, with a prior, without it. */
export function asksOf(
  state: CheckedState,
  questions: readonly CheckedQuestion[],
  request: DecideRequest,
  chat: boolean,
): Ask[] {
  const { method, render, prior } = request;
  return questions.flatMap((question) => {
    const labels = method === 'labels' ? labelsFor(question, request.labels) : [];
    const listings = ordersOf(question, request);
    const ask = (order: readonly number[], { text }: CheckedState, isPrior: boolean): Ask => {
      const { type, instructions } = question;
      const options = order.map((option, position): DecisionView['options'][number] => ({
        ...(question.options[option] as CheckedQuestion['options'][number]),
        label: labels[position],
      }));
      const view = { state: text, type, instructions, options, method, chat };
      const prompt = readPrompt(render(view), options.length);
      const answers = prompt.answers ?? options.map(({ label, name }) => label ?? name);
      return { question, order, isPrior, prompt, answers };
    };
    return [
      ...listings.map((order) => ask(order, state, false)),
      ...(prior ? listings.map((order) => ask(order, noState, true)) : []),
    ];
  });
}

function labelsFor(
  { name, options }: CheckedQuestion,
  given: readonly string[] | undefined,
): readonly string[] {
  if (given === undefined) return labelsOf(options.length);
  if (given.length >= options.length) return given;
  const what = `at least ${options.length} labels, for question ${JSON.stringify(name)},`;
  throw wrongRange(what, 'labels', given);
}
