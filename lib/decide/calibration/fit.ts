// Fits a scale to labelled answers by maximum likelihood. Pure arithmetic.
//
// With β = 1 / temperature, the log-likelihood Σ log softmax(β · score + bias)[truth] is concave in β
// and the biases: β alone is found by bisection of its slope, with biases by Newton's method.

import { share, sumOf } from '../../choose/scaled-sum.js';
import type { Scale } from './calibration.js';
import type { Sample } from './rows.js';

/** The bounds of β: answers that are all right would have Infinity, all wrong 0. */
const [least, most] = [1 / 64, 64];
/** The precision of the Gaussian prior of each bias, for options that are never or always right. */
const shrinkage = 0.1;
const iterations = 100;

/** The probabilities of a sample's options under a scale. */
export function probabilitiesOf({ scores, keys }: Sample, { temperature, bias }: Scale): number[] {
  return softmax(
    scores.map((score, option) => {
      const key = keys[option] as string;
      return score / temperature + (bias && Object.hasOwn(bias, key) ? (bias[key] as number) : 0);
    }),
  );
}

function softmax(scores: readonly number[]): number[] {
  const sum = sumOf(scores);
  return scores.map((score) => (sum.max === -Infinity ? 0 : share(score, sum)));
}

/** What is impossible has probability 0 whatever β is, and stays out of sums. */
const finite = (score: number): number => (score === -Infinity ? 0 : score);

/** The derivative of the log-likelihood by β, without biases. */
function slopeAt(samples: readonly Sample[], beta: number): number {
  let slope = 0;
  for (const { scores, truth } of samples) {
    const p = softmax(scores.map((score) => score * beta));
    const mean = p.reduce((sum, each, i) => sum + each * finite(scores[i] as number), 0);
    slope += finite(scores[truth] as number) - mean;
  }
  return slope;
}

function fitBeta(samples: readonly Sample[]): number {
  // Where every β is as likely, as for single options.
  if (slopeAt(samples, 1) === 0) return 1;
  let [low, high] = [Math.log(least), Math.log(most)];
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (slopeAt(samples, Math.exp(middle)) > 0) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

/** β at index 0, then a bias per key. */
type Parameters = Float64Array;

/** A sample with the parameter indices of its options. */
interface Indexed {
  sample: Sample;
  at: readonly number[];
}

const scoresAt = ({ sample: { scores }, at }: Indexed, theta: Parameters): number[] =>
  scores.map(
    (score, option) => score * (theta[0] as number) + (theta[at[option] as number] as number),
  );

/** The log-likelihood with the prior of the biases. */
function valueAt(samples: readonly Indexed[], theta: Parameters): number {
  let value = 0;
  for (const bias of theta.subarray(1)) value -= (shrinkage / 2) * bias ** 2;
  for (const each of samples) {
    const p = softmax(scoresAt(each, theta))[each.sample.truth] as number;
    value += Math.log(Math.max(p, Number.MIN_VALUE));
  }
  return value;
}

/** Gradient, and the negative of the matrix of second derivatives, row by row. */
function derivativesAt(samples: readonly Indexed[], theta: Parameters) {
  const size = theta.length;
  const gradient = theta.map((bias, index) => (index === 0 ? 0 : -shrinkage * bias));
  const curvature = new Float64Array(size * size);
  for (let index = 0; index < size; index++) {
    curvature[index * size + index] = index === 0 ? 1e-9 : shrinkage;
  }
  const add = (row: number, column: number, value: number): void => {
    curvature[row * size + column] = (curvature[row * size + column] as number) + value;
  };
  for (const each of samples) {
    const { scores, truth } = each.sample;
    const p = softmax(scoresAt(each, theta));
    const x = scores.map(finite);
    const mean = p.reduce((sum, pi, i) => sum + pi * (x[i] as number), 0);
    gradient[0] = (gradient[0] as number) + (x[truth] as number) - mean;
    for (const [i, pi] of p.entries()) {
      const row = each.at[i] as number;
      gradient[row] = (gradient[row] as number) + (i === truth ? 1 : 0) - pi;
      const mixed = pi * ((x[i] as number) - mean);
      add(0, 0, mixed * (x[i] as number));
      add(0, row, mixed);
      add(row, 0, mixed);
      add(row, row, pi);
      for (let j = 0; j < p.length; j++) add(row, each.at[j] as number, -pi * (p[j] as number));
    }
  }
  return { gradient, curvature };
}

/** Solves a symmetric positive definite system by Cholesky decomposition, in place. */
function solve(matrix: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  const get = (row: number, column: number): number => matrix[row * size + column] as number;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      let value = get(row, column);
      for (let k = 0; k < column; k++) value -= get(row, k) * get(column, k);
      const isPivot = row === column;
      matrix[row * size + column] = isPivot
        ? Math.sqrt(Math.max(value, 1e-12))
        : value / get(column, column);
    }
  }
  const solution = right.slice();
  for (let row = 0; row < size; row++) {
    let value = solution[row] as number;
    for (let k = 0; k < row; k++) value -= get(row, k) * (solution[k] as number);
    solution[row] = value / get(row, row);
  }
  for (let row = size - 1; row >= 0; row--) {
    let value = solution[row] as number;
    for (let k = row + 1; k < size; k++) value -= get(k, row) * (solution[k] as number);
    solution[row] = value / get(row, row);
  }
  return solution;
}

/**
 * The scale of the greatest likelihood. Its temperature is at least 1/64 and at most 64; biases have a
 * Gaussian prior around 0, without which an option that is never right would have −Infinity.
 */
export function fitScale(answers: readonly Sample[], withBias: boolean): Scale {
  // Where the right option is impossible, it is so under every scale: that tells nothing about any.
  const samples = answers.filter(({ scores, truth }) => scores[truth] !== -Infinity);
  const beta = fitBeta(samples);
  if (!withBias) return { temperature: 1 / beta };
  const keys = [...new Set(samples.flatMap((sample) => sample.keys))];
  const indices = new Map(keys.map((key, index) => [key, index + 1]));
  const indexed = samples.map((sample): Indexed => {
    return { sample, at: sample.keys.map((key) => indices.get(key) as number) };
  });
  let theta: Parameters = new Float64Array(keys.length + 1);
  theta[0] = beta;
  let value = valueAt(indexed, theta);
  for (let iteration = 0; iteration < iterations; iteration++) {
    const { gradient, curvature } = derivativesAt(indexed, theta);
    const direction = solve(curvature, gradient);
    let better: Parameters | undefined;
    for (let length = 1; length > 1e-6 && better === undefined; length /= 2) {
      const next = theta.map((each, index) => each + length * (direction[index] as number));
      next[0] = Math.min(most, Math.max(least, next[0] as number));
      const reached = valueAt(indexed, next);
      if (reached > value + 1e-10) [better, value] = [next, reached];
    }
    if (better === undefined) break;
    theta = better;
  }
  const bias = Object.fromEntries(keys.map((key, index) => [key, theta[index + 1] as number]));
  return { temperature: 1 / (theta[0] as number), bias };
}
