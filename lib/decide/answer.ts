// The answers of `decide`: their types, and how they follow from the options' scores.

import type { Cost } from '../common/usage.js';
import type { Scale } from './calibration/calibration.js';
import type { BooleanQuestion, DecisionQuestions, OptionName } from './question.js';
import type { DecisionMethod } from './render.js';

/** One option, level or case with its scores. */
export interface DecisionOption<Name extends string = string> {
  /** The option's name; a level's text; `Yes` or `No`. */
  name: Name;
  /** Softmax of the options' scores. */
  probability: number;
  /** Its log-probability over the full vocabulary, the mean of all orders; a bound if not `exact`. */
  logprob: number;
  /** With `prior`: its log-probability without the state, the mean of all orders. */
  priorLogprob?: number;
  /** The log-probability after normalization, prior and calibration. */
  score: number;
  /** Whether `logprob` is more than an upper bound. */
  exact: boolean;
  /** Lower and upper bound of `probability`; set on every option if any is not `exact`. */
  interval?: [low: number, high: number];
  /** Its largest probability in one order minus its smallest; 0 for a single order. */
  spread: number;
  /** With `details`: the tokens that were scored, in the first order. */
  tokens?: Int32Array;
}

/** One order in which a question was asked. */
export interface DecisionOrder {
  /** The indices of the options as they were listed. */
  options: number[];
  /** Per option, in the caller's order: its probability in this order alone. */
  probabilities: number[];
  /** Per option, in the caller's order: its log-probability in this order. */
  logprobs: number[];
  /** With `details`: the tokens before the answer. */
  prompt?: Int32Array;
  /** With `details`: per option, in the caller's order, the tokens of the answer. */
  answers?: Int32Array[];
}

/** What all answers have. */
export interface AnswerScores<Name extends string = string> extends Cost {
  /** The options in the caller's order; of a boolean: yes, no. */
  options: DecisionOption<Name>[];
  /** How decided the probabilities are, by the formula of the option `confidence`. */
  confidence: number;
  /**
   * Σ exp(logprob) of the options, the mean of all orders: how much of the model's belief they hold.
   * Where it is small, the model would have answered something else. At most 1 unless a text
   * terminator follows.
   */
  mass: number;
  /**
   * Score of the most likely option − score of the next: the logarithm of the ratio of their
   * probabilities. Infinity if there is none.
   */
  margin: number;
  /** The largest `spread` of an option: how much the order in which options are listed matters. */
  spread: number;
  /** In how many of the orders, as a share, the most likely option is the same as in the answer. */
  agreement: number;
  /** With `calibration`: what was applied to the scores. */
  scale?: Scale;
  /** Every order in which the question was asked; one by method `'text'`. */
  orders: DecisionOrder[];
}

/** The answer to a choice. */
export interface ChoiceAnswer<Name extends string = string> extends AnswerScores<Name> {
  type: 'choice';
  /** The most likely option; of ties the first. */
  choice: Name;
  /** By option. An object lists names that look like integers first; `options` keeps the order. */
  probabilities: Record<Name, number>;
}

/** The answer to a score. */
export interface ScoreAnswer extends AnswerScores {
  type: 'score';
  /** Σ i · pᵢ over the levels, from 0 for the lowest to the number of levels − 1. */
  score: number;
  /** The index of the most likely level; of ties the lowest. */
  level: number;
  /** Per level, lowest first. */
  probabilities: number[];
}

/** The answer to a yes-no question. */
export interface BooleanAnswer extends AnswerScores<'Yes' | 'No'> {
  type: 'boolean';
  /** Of yes. */
  probability: number;
}

/** Any answer. */
export type DecisionAnswer = ChoiceAnswer | ScoreAnswer | BooleanAnswer;

/** The answer to a question of this type. */
export type AnswerTo<Question> = Question extends { readonly type: 'choice' }
  ? ChoiceAnswer<
      Question extends { readonly criteria: infer Criteria } ? OptionName<Criteria> : string
    >
  : Question extends { readonly type: 'score' }
    ? ScoreAnswer
    : Question extends { readonly type: BooleanQuestion['type'] }
      ? BooleanAnswer
      : DecisionAnswer;

/** The answers to questions, by name. */
export type AnswersTo<Questions> =
  Questions extends ReadonlyMap<infer Name, infer Question>
    ? Record<Name & string, AnswerTo<Question>>
    : Questions extends readonly (readonly [string, unknown])[]
      ? { [Entry in Questions[number] as Entry[0]]: AnswerTo<Entry[1]> }
      : { [Name in keyof Questions]: AnswerTo<Questions[Name]> };

/** The result of `decide`. */
export interface Decision<Questions extends DecisionQuestions = DecisionQuestions> extends Cost {
  /** By question. An object lists names that look like integers first; `names` keeps the order. */
  answers: AnswersTo<Questions>;
  /** The names of the questions, in the caller's order. */
  names: string[];
  method: DecisionMethod;
  /** How many UTF-16 code units of the state were cut off; 0 unless `onOverflow` is `'truncate'`. */
  truncated: number;
}
