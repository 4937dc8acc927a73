// The result of `decide` over a server, and how an answer follows from what a server reports.
// `decide.ts` uses it.

import { noCost } from '../../common/usage.js';
import type { AnswerScores, Decision, DecisionAnswer } from '../../decide/answer.js';
import { confidenceOf } from '../../decide/confidence.js';
import type { DecideRequest } from '../../decide/decide-options.js';
import type { CheckedQuestion, DecisionQuestions } from '../../decide/question.js';
import type { DecisionMethod } from '../../decide/render.js';
import type { Strategy } from '../choose/remote-engine.js';
import type { DecideWay } from './decide-options.js';
import type { OwnNumbers } from './read-numbers.js';

/** The result of `decide` over a server. */
export interface RemoteDecision<Questions extends DecisionQuestions = DecisionQuestions>
  extends Omit<Decision<Questions>, 'method' | 'truncated'> {
  /** The way that was used. */
  via: DecideWay;
  /** Of way `'choose'`: the strategy that scored the options. */
  strategy: Strategy | undefined;
  /** Undefined if the server does not report it. */
  method: DecisionMethod | undefined;
  /** As in `Decision`; NaN if the server does not report it. */
  truncated: number;
  /**
   * `'exact'`: all log-probabilities are known. `'bounded'`: some have only upper bounds (see `exact`
   * and `interval` of each option). `'probabilities'`: the server reports nothing else:
   * log-probabilities, scores, mass, margin, spread and agreement are NaN.
   *
   * By a format of a server, `orders` is empty and the cost is known for all answers together only:
   * that of each is zero.
   */
  numbers: 'exact' | 'bounded' | 'probabilities';
  /**
   * By question: the server's own `confidence`, as far as it reports one. Formulas differ between
   * servers; the `confidence` of an answer is always computed by the formula of the option.
   */
  reportedConfidence: Record<string, number>;
}

/** The numbers of one answer, after their validation. */
export interface ReportedAnswer {
  /** Per option, in the caller's order; they add up to 1. */
  probabilities: readonly number[];
  /** The index of the option that the server selected; the first most likely one by default. */
  selected?: number | undefined;
  /** The server's own. */
  confidence: number | undefined;
  /** What this package's server reports. */
  own: OwnNumbers | undefined;
}

const unknown = Number.NaN;

/** The answer to a question by a server's numbers. */
export function remoteAnswer(
  question: CheckedQuestion,
  { probabilities, selected, own }: ReportedAnswer,
  { confidence, prior, normalize }: DecideRequest,
): DecisionAnswer {
  const names = question.options.map(({ name }) => name);
  // One order, or orders without a difference.
  const isSame = own?.spread === 0;
  const scores: AnswerScores = {
    options: names.map((name, option) => {
      const logprob = own?.logprobs[option] ?? unknown;
      return {
        name,
        probability: probabilities[option] as number,
        logprob,
        score: prior || normalize !== 'none' ? unknown : logprob,
        exact: own !== undefined,
        spread: isSame ? 0 : unknown,
      };
    }),
    confidence: confidenceOf(probabilities, confidence, question.type),
    mass: own?.mass ?? unknown,
    margin: own?.margin ?? unknown,
    spread: own?.spread ?? unknown,
    agreement: isSame ? 1 : unknown,
    orders: [],
    ...noCost(),
  };
  const best = selected ?? probabilities.indexOf(Math.max(...probabilities));
  switch (question.type) {
    case 'choice': {
      const byName = names.map((name, option) => [name, probabilities[option] as number] as const);
      const choice = names[best] as string;
      return { type: 'choice', choice, probabilities: Object.fromEntries(byName), ...scores };
    }
    case 'score': {
      const score = probabilities.reduce((sum, each, level) => sum + each * level, 0);
      return { type: 'score', score, level: best, probabilities: [...probabilities], ...scores };
    }
    case 'boolean': {
      const cases = scores as AnswerScores<'Yes' | 'No'>;
      return { type: 'boolean', probability: probabilities[0] as number, ...cases };
    }
  }
}
