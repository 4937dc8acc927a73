// Builds the answer to a question from the scores of its orders. `lib/decide/decide.ts` calls it, as
// may any LM that scores options in another way.

import { LMError } from '../common/errors.js';
import type { Cost } from '../common/usage.js';
import type {
  AnswerScores,
  BooleanAnswer,
  DecisionAnswer,
  DecisionOption,
  DecisionOrder,
} from './answer.js';
import { type Calibration, scaleOf } from './calibration/calibration.js';
import { type CombinedOption, combine, type OrderScores } from './combine.js';
import { type Confidence, confidenceOf } from './confidence.js';
import type { CheckedQuestion } from './question.js';

/** One order with its scores. */
export interface ScoredOrder extends OrderScores {
  /** The indices of the options as they were listed. */
  order: readonly number[];
  /** With `details`. */
  details?: { prompt: Int32Array; answers: Int32Array[] } | undefined;
}

/** What an answer depends on beside the scores. */
export interface AnswerOptions {
  confidence: Confidence;
  calibration: Calibration | undefined;
}

/** Per option, what the calibration adds to its score. */
function biasOf(
  { type, options }: CheckedQuestion,
  bias: Record<string, number> | undefined,
): number[] | undefined {
  if (bias === undefined) return undefined;
  const keys = options.map(({ name }, index) => (type === 'score' ? String(index) : name));
  return keys.map((key) => (Object.hasOwn(bias, key) ? (bias[key] as number) : 0));
}

/**
 * The answer to a question.
 *
 * @param orders at least one, whose arrays are in the order of the question's options
 * @throws LMError `INVALID_LOGPROBS` if every option is impossible
 */
export function makeAnswer(
  question: CheckedQuestion,
  orders: readonly ScoredOrder[],
  { confidence, calibration }: AnswerOptions,
  cost: Cost,
): DecisionAnswer {
  const scale = scaleOf(calibration, question);
  const { options, alone, mass } = combine(orders, {
    temperature: scale?.temperature ?? 1,
    bias: biasOf(question, scale?.bias),
  });
  if (options.every(({ score }) => score === -Infinity)) {
    throw new LMError(`Every option of question ${JSON.stringify(question.name)} is impossible`, {
      code: 'INVALID_LOGPROBS',
    });
  }
  const probabilities = options.map(({ probability }) => probability);
  const best = probabilities.indexOf(largest(probabilities));
  const same = alone.filter((order) => order[best] === largest(order)).length;
  const scores: AnswerScores = {
    options: options.map((option, index) => optionOf(question, option, index, orders)),
    confidence: confidenceOf(probabilities, confidence, question.type),
    mass,
    margin: marginOf(options, best),
    spread: options.reduce((max, { spread }) => Math.max(max, spread), 0),
    agreement: same / alone.length,
    ...(scale && { scale }),
    orders: orders.map((order, index) => orderOf(order, alone[index] as number[])),
    ...cost,
  };
  const names = question.options.map(({ name }) => name);
  switch (question.type) {
    case 'choice': {
      const byName = names.map((name, option) => [name, probabilities[option] as number] as const);
      const choice = names[best] as string;
      return { type: 'choice', choice, probabilities: Object.fromEntries(byName), ...scores };
    }
    case 'score': {
      const score = probabilities.reduce((sum, each, level) => sum + each * level, 0);
      return { type: 'score', score, level: best, probabilities, ...scores };
    }
    case 'boolean': {
      const cases = scores as AnswerScores<'Yes' | 'No'>;
      return {
        type: 'boolean',
        probability: probabilities[0] as number,
        ...cases,
      } as BooleanAnswer;
    }
  }
}

/** Without spreading thousands of arguments. */
const largest = (values: readonly number[]): number =>
  values.reduce((max, each) => Math.max(max, each), -Infinity);

function marginOf(options: readonly CombinedOption[], best: number): number {
  const winner = options[best]?.score as number;
  const next = options.reduce(
    (max, { score }, option) => (option === best ? max : Math.max(max, score)),
    -Infinity,
  );
  return winner === next ? 0 : winner - next;
}

function optionOf(
  { options }: CheckedQuestion,
  { priorLogprob, interval, ...rest }: CombinedOption,
  index: number,
  orders: readonly ScoredOrder[],
): DecisionOption {
  const tokens = orders[0]?.details?.answers[index];
  return {
    name: options[index]?.name as string,
    ...rest,
    ...(priorLogprob !== undefined && { priorLogprob }),
    ...(interval && { interval }),
    ...(tokens && { tokens }),
  };
}

function orderOf(
  { order, logprobs, details }: ScoredOrder,
  probabilities: readonly number[],
): DecisionOrder {
  return {
    options: [...order],
    probabilities: [...probabilities],
    logprobs: [...logprobs],
    ...details,
  };
}
