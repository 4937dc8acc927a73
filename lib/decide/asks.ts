// What the model is asked: each question in each order of its options, rendered as text.
// `lib/decide/prepare.ts` tokenizes it.

import { checkString, checkStrings, wrongRange, wrongType } from '../common/arguments.js';
import { Pace } from '../common/yield-to-event-loop.js';
import type { DecideRequest } from './decide-options.js';
import { labelsOf, maxLines, maxLinesInAll, orderCount, rotations } from './labels.js';
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
  const base = orders === 'balanced' ? ownOrder(question) : [...question.options.keys()];
  return rotations(base, orderCount(orders, base.length));
}

/** Throws a RangeError if the orders of one question, or of all together, have too many lines. */
function checkLines(
  questions: readonly CheckedQuestion[],
  { method, orders, prior }: DecideRequest,
): void {
  if (method === 'text') return;
  let lines = 0;
  for (const { options } of questions) {
    const { length } = options;
    const own = orderCount(orders, length) * length;
    if (own > maxLines) {
      const most = Math.floor(maxLines / length);
      const what = `a number of at most ${most}, for a question of ${length} options,`;
      throw wrongRange(what, 'orders', orders);
    }
    lines += prior ? 2 * own : own;
  }
  if (lines <= maxLinesInAll) return;
  const what = `fewer: ${questions.length} questions have ${lines} lines of options in all orders, more than ${maxLinesInAll},`;
  throw wrongRange(what, 'orders', orders);
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

/**
 * Renders every question in every order, after the state and, with a prior, without it. Rejects with
 * the reason of the request's signal when it aborts.
 */
export async function asksOf(
  state: CheckedState,
  questions: readonly CheckedQuestion[],
  request: DecideRequest,
  chat: boolean,
): Promise<Ask[]> {
  const { method, render, prior, signal } = request;
  checkLines(questions, request);
  const pace = new Pace(signal);
  const asks: Ask[] = [];
  for (const question of questions) {
    const labels = method === 'labels' ? labelsFor(question, request.labels) : [];
    const listings = ordersOf(question, request);
    for (const isPrior of prior ? [false, true] : [false]) {
      const { text } = isPrior ? noState : state;
      for (const order of listings) {
        const { type, instructions } = question;
        const options = order.map((option, position): DecisionView['options'][number] => ({
          ...(question.options[option] as CheckedQuestion['options'][number]),
          label: labels[position],
        }));
        // Before the caller's function, which may change what it is passed.
        const own = options.map(({ label, name }) => label ?? name);
        const view = { state: text, type, instructions, options, method, chat };
        const prompt = readPrompt(render(view), own.length);
        asks.push({ question, order, isPrior, prompt, answers: prompt.answers ?? own });
        if (pace.isDue) await pace.pause();
      }
    }
  }
  return asks;
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
