// Formulas of confidence: how decided a distribution is. None is a probability of being right. Pure
// arithmetic; `lib/decide/answer.ts` uses it. docs/decisions.md has each formula.

import { checkNumber, checkOneOf, wrongRange, wrongType } from '../common/arguments.js';
import { type QuestionType, questionTypes } from './question.js';

/** The names of the formulas. */
export const confidences = ['reference', 'entropy', 'max', 'margin', 'deviation'] as const;

/**
 * A formula, of the probabilities p₀ … pₙ₋₁. Each is 1 for a single option, 0 for `'reference'` and
 * `'entropy'` of equal probabilities.
 *
 * - `'reference'`: (n · max p − 1) / (n − 1); of a score: 1 − Σ pᵢ |i − k| / D, at least 0, where k is
 *   the first most likely level and D the mean distance of n equally likely levels from their middle
 * - `'entropy'`: 1 − H(p) / ln n
 * - `'max'`: max p
 * - `'margin'`: the largest probability minus the second
 * - `'deviation'`: of a score: 1 − σ / ((n − 1) / 2), where σ is its standard deviation; otherwise as
 *   `'reference'`
 */
export type Confidence = (typeof confidences)[number];

const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);

/** Within [0, 1], which rounding may leave by the last digit. */
const clamp = (value: number): number => Math.min(1, Math.max(0, value));

function ofChoice(probabilities: readonly number[]): number {
  const { length } = probabilities;
  return (length * maximum(probabilities) - 1) / (length - 1);
}

function ofLevels(probabilities: readonly number[]): number {
  const { length } = probabilities;
  const mode = probabilities.indexOf(maximum(probabilities));
  const middle = (length - 1) / 2;
  const uniform = sum(probabilities.map((_, level) => Math.abs(level - middle))) / length;
  return 1 - sum(probabilities.map((p, level) => p * Math.abs(level - mode))) / uniform;
}

function ofDeviation(probabilities: readonly number[]): number {
  const mean = sum(probabilities.map((p, level) => p * level));
  const variance = sum(probabilities.map((p, level) => p * (level - mean) ** 2));
  return 1 - Math.sqrt(variance) / ((probabilities.length - 1) / 2);
}

function ofEntropy(probabilities: readonly number[]): number {
  const entropy = -sum(probabilities.map((p) => (p > 0 ? p * Math.log(p) : 0)));
  return 1 - entropy / Math.log(probabilities.length);
}

const maximum = (values: readonly number[]): number =>
  values.reduce((max, each) => Math.max(max, each), -Infinity);

function ofMargin(probabilities: readonly number[]): number {
  const [first = 0, second = 0] = [...probabilities].sort((a, b) => b - a);
  return first - second;
}

/**
 * The confidence of a distribution by a formula.
 *
 * @param probabilities of the options, at least one; of a score, of its levels from the lowest
 * @throws TypeError, RangeError for invalid arguments
 */
export function confidenceOf(
  probabilities: readonly number[],
  formula: Confidence,
  type: QuestionType,
): number {
  if (!Array.isArray(probabilities)) throw wrongType('an array', 'probabilities', probabilities);
  if (probabilities.length === 0) throw wrongRange('at least one', 'probabilities', probabilities);
  for (const [index, each] of probabilities.entries()) {
    checkNumber(each, `probabilities[${index}]`, 0);
  }
  checkOneOf(formula, 'formula', confidences);
  checkOneOf(type, 'type', questionTypes);
  if (probabilities.length === 1) return 1;
  const isScore = type === 'score';
  const formulas: Record<Confidence, (probabilities: readonly number[]) => number> = {
    reference: isScore ? ofLevels : ofChoice,
    entropy: ofEntropy,
    max: maximum,
    margin: ofMargin,
    deviation: isScore ? ofDeviation : ofChoice,
  };
  return clamp(formulas[formula](probabilities));
}
