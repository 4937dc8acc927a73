// Reads labelled rows: decisions with the right answers. `lib/decide/calibration/calibrate.ts` fits
// scales to what it returns.

import {
  checkNumber,
  checkOneOf,
  checkString,
  wrongRange,
  wrongType,
} from '../../common/arguments.js';
import type { DecisionAnswer } from '../answer.js';
import { type QuestionType, questionTypes } from '../question.js';
import type { DecisionMethod } from '../render.js';

/** The right answer: an option's name, the index of a level, or whether it is yes. */
export type Truth = string | number | boolean;

/** A decision, or what JSON keeps of it, with the right answers to some or all of its questions. */
export interface LabelledRow {
  readonly decision: {
    readonly method: DecisionMethod;
    readonly answers: Readonly<Record<string, RowAnswer>>;
  };
  /** By the question's name. */
  readonly truth: Readonly<Record<string, Truth>>;
}

/** What calibration reads of an answer. */
export type RowAnswer = Pick<DecisionAnswer, 'type' | 'scale'> & {
  readonly options: readonly { readonly name: string; readonly score: number }[];
};

/** One labelled answer. */
export interface Sample {
  question: string;
  type: QuestionType;
  /** The options' keys in a calibration: names, or the indices of levels. */
  keys: readonly string[];
  scores: readonly number[];
  /** The index of the right option. */
  truth: number;
}

function indexOf(
  truth: unknown,
  type: QuestionType,
  keys: readonly string[],
  name: string,
): number {
  if (type === 'boolean') {
    if (typeof truth !== 'boolean') throw wrongType('a boolean', name, truth);
    return truth ? 0 : 1;
  }
  if (type === 'score' && typeof truth !== 'number') {
    throw wrongType('the index of a level', name, truth);
  }
  if (type === 'choice' && typeof truth !== 'string') {
    throw wrongType('the name of an option', name, truth);
  }
  const index = keys.indexOf(String(truth));
  if (index < 0) throw wrongRange('one of the options', name, truth);
  return index;
}

function readSample(answer: unknown, question: string, truth: unknown, row: string): Sample {
  const name = `${row}.decision.answers[${JSON.stringify(question)}]`;
  if (typeof answer !== 'object' || answer === null) throw wrongType('an answer', name, answer);
  const { options, scale, ...rest } = answer as Partial<RowAnswer>;
  const type = checkOneOf(rest.type, `${name}.type`, questionTypes);
  if (scale !== undefined) throw wrongRange('an answer without calibration', name, answer);
  if (!Array.isArray(options)) throw wrongType('an array', `${name}.options`, options);
  const scores = options.map((option: RowAnswer['options'][number], index) => {
    const score = `${name}.options[${index}].score`;
    // JSON has null for an option that is impossible.
    return option?.score === null || option?.score === -Infinity
      ? -Infinity
      : checkNumber(option?.score, score);
  });
  const keys = options.map((option: RowAnswer['options'][number], index) => {
    return type === 'score' ? String(index) : checkString(option.name, `${name}.options[${index}]`);
  });
  if (type === 'boolean' && keys.length !== 2) {
    throw wrongRange('yes and no', `${name}.options`, options);
  }
  if (scores.every((score) => score === -Infinity)) {
    throw wrongRange('an option that is possible', `${name}.options`, options);
  }
  const where = `${row}.truth[${JSON.stringify(question)}]`;
  return { question, type, keys, scores, truth: indexOf(truth, type, keys, where) };
}

/**
 * Validates rows.
 *
 * @throws TypeError, RangeError for rows of another form, for answers that are calibrated already,
 * and for decisions by different methods
 */
export function readRows(value: unknown): { method: DecisionMethod; samples: Sample[] } {
  if (!Array.isArray(value)) throw wrongType('an array of rows', 'rows', value);
  const samples: Sample[] = [];
  let method: DecisionMethod | undefined;
  for (const [index, each] of value.entries()) {
    const name = `rows[${index}]`;
    const { decision, truth } = (each ?? {}) as Partial<LabelledRow>;
    if (typeof decision !== 'object' || typeof decision?.answers !== 'object') {
      throw wrongType('an object with a decision', name, each);
    }
    if (typeof truth !== 'object' || truth === null) {
      throw wrongType('an object of right answers', `${name}.truth`, truth);
    }
    const own = checkOneOf(decision.method, `${name}.decision.method`, ['text', 'labels']);
    method ??= own;
    if (own !== method) throw wrongRange(`'${method}', as before,`, `${name}.decision.method`, own);
    for (const [question, right] of Object.entries(truth)) {
      const answer = Object.hasOwn(decision.answers ?? {}, question)
        ? decision.answers[question]
        : undefined;
      samples.push(readSample(answer, question, right, name));
    }
  }
  if (method === undefined || samples.length < 2) {
    throw wrongRange('at least two labelled answers', 'rows', value);
  }
  return { method, samples };
}
