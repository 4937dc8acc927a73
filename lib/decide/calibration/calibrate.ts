// `calibrate`: scales for the probabilities of `decide` from labelled decisions, and a report of what
// they change, on answers that they were not fitted to.

import {
  checkBetween,
  checkBoolean,
  checkInteger,
  checkOneOf,
  checkOptions,
  wrongRange,
} from '../../common/arguments.js';
import { MersenneTwister, nextFloat } from '../../common/mersenne-twister.js';
import type { QuestionType } from '../question.js';
import type { Calibration, Scale } from './calibration.js';
import { fitScale, probabilitiesOf } from './fit.js';
import {
  type CalibrationMetrics,
  type Judged,
  metricsOf,
  type Threshold,
  thresholdFor,
} from './metrics.js';
import { type LabelledRow, readRows, type Sample } from './rows.js';

/** Options of {@link calibrate}. */
export interface CalibrateOptions {
  /** One scale for each type of question (default), or one for each question. */
  by?: 'type' | 'question' | undefined;
  /**
   * Also fit a bias per option, of at most 1000 different ones per scale. Default false: only a
   * temperature, which changes no answer.
   */
  bias?: boolean | undefined;
  /** Into how many parts the answers are split for the held-out check: 2 or more. Default 5. */
  folds?: number | undefined;
  /** The seed of the split. Default 1. */
  seed?: number | undefined;
  /** The number of bins of the reliability table. Default 10. */
  bins?: number | undefined;
  /** The precision that `threshold` reaches: above 0, at most 1. Default 0.95. */
  precision?: number | undefined;
}

/** What one scale changes. */
export interface CalibrationGroup {
  /** The type, or the question's name. */
  name: string;
  /** How many labelled answers there are. */
  answers: number;
  /** Fitted to all of them. */
  scale: Scale;
  /** Whether it is in the calibration: only if the log loss of held-out answers falls. */
  kept: boolean;
  before: CalibrationMetrics;
  /** Of each answer with the scale that was fitted without it and without its part. */
  after: CalibrationMetrics;
}

/** The report of {@link calibrate}. */
export interface CalibrationReport {
  groups: CalibrationGroup[];
  /** Of all answers. */
  before: CalibrationMetrics;
  /** Of all held-out answers, with the scales that were kept. */
  after: CalibrationMetrics;
  /** The lowest threshold with the requested precision on held-out answers; undefined if there is none. */
  threshold: Threshold | undefined;
}

const identity: Scale = { temperature: 1 };

/** The folds of samples: shuffled, then dealt in turn. */
function foldsOf(count: number, folds: number, seed: number): Int32Array {
  const random = new MersenneTwister(seed);
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(nextFloat(random) * (last + 1));
    [order[last], order[other]] = [order[other] as number, order[last] as number];
  }
  const fold = new Int32Array(count);
  for (const [position, sample] of order.entries()) fold[sample] = position % folds;
  return fold;
}

const judge = (sample: Sample, scale: Scale): Judged => ({
  probabilities: probabilitiesOf(sample, scale),
  truth: sample.truth,
});

/**
 * Fits a temperature, and a bias if requested, per type of question or per question, by maximum
 * likelihood. A scale that does not lower the log loss of held-out answers is left out. Synchronous,
 * in a time linear in the rows (with biases, cubic in their number): in a server, use a worker for more
 * than a thousand.
 *
 * @param rows decisions without calibration, all by one method, with the right answers; at least two
 * answers
 * @returns a JSON value for the option `calibration` of `decide`, and a report
 * @throws TypeError, RangeError for invalid rows or options
 * @example
 * const rows = [];
 * for (const { text, mood } of labelled) {
 *   rows.push({ decision: await lm.decide(text, questions), truth: { mood } });
 * }
 * const { calibration, report } = calibrate(rows);
 * const { answers } = await lm.decide('Lovely.', questions, { calibration });
 */
export function calibrate(
  rows: readonly LabelledRow[],
  options?: CalibrateOptions,
): { calibration: Calibration; report: CalibrationReport } {
  const fields = ['by', 'bias', 'folds', 'seed', 'bins', 'precision'] as const;
  const given = checkOptions(options, 'options', fields);
  const by = checkOneOf(given.by ?? 'type', 'by', ['type', 'question']);
  const withBias = checkBoolean(given.bias ?? false, 'bias');
  const folds = checkInteger(given.folds ?? 5, 'folds', 2);
  const seed = checkInteger(given.seed ?? 1, 'seed', 0);
  const bins = checkInteger(given.bins ?? 10, 'bins', 1, 1000);
  const precision = checkBetween(given.precision ?? 0.95, 'precision', Number.MIN_VALUE, 1);
  const { method, samples } = readRows(rows);

  const grouped = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = by === 'type' ? sample.type : sample.question;
    const group = grouped.get(key);
    if (group === undefined) grouped.set(key, [sample]);
    else group.push(sample);
  }
  if (withBias) checkBiases(grouped);
  const calibration: Calibration = { version: 1, method, types: {}, questions: {} };
  const scales = new Map<string, Scale>();
  const all: Judged[] = [];
  const groups = Array.from(grouped, ([name, own]): CalibrationGroup => {
    const scale = fitScale(own, withBias);
    const plain = own.map((sample) => judge(sample, identity));
    const heldOut = heldOutOf(own, Math.min(folds, own.length), seed, withBias);
    const before = metricsOf(plain, bins);
    const after = metricsOf(heldOut, bins);
    const kept = after.logLoss < before.logLoss;
    if (kept) scales.set(name, scale);
    for (const each of kept ? heldOut : plain) all.push(each);
    return { name, answers: own.length, scale, kept, before, after };
  });
  if (by === 'question') calibration.questions = Object.fromEntries(scales);
  else calibration.types = Object.fromEntries(scales) as Partial<Record<QuestionType, Scale>>;
  return {
    calibration,
    report: {
      groups,
      before: metricsOf(
        samples.map((sample) => judge(sample, identity)),
        bins,
      ),
      after: metricsOf(all, bins),
      threshold: thresholdFor(all, precision),
    },
  };
}

/** The time of a fit grows with the third power of the number of biases. */
const maxBiases = 1000;

function checkBiases(grouped: ReadonlyMap<string, readonly Sample[]>): void {
  for (const [name, samples] of grouped) {
    const { size } = new Set(samples.flatMap(({ keys }) => keys));
    if (size <= maxBiases) continue;
    const what = `false, for the ${size} different options of ${JSON.stringify(name)}, more than ${maxBiases},`;
    throw wrongRange(what, 'bias', true);
  }
}

/** Each sample under the scale fitted to the other folds. */
function heldOutOf(
  samples: readonly Sample[],
  folds: number,
  seed: number,
  withBias: boolean,
): Judged[] {
  // A single answer cannot be held out.
  if (samples.length < 2) return samples.map((sample) => judge(sample, identity));
  const fold = foldsOf(samples.length, folds, seed);
  const scales = Array.from({ length: folds }, (_, out) => {
    return fitScale(
      samples.filter((_, index) => fold[index] !== out),
      withBias,
    );
  });
  return samples.map((sample, index) => judge(sample, scales[fold[index] as number] as Scale));
}
