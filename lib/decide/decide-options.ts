// The options of `decide`: their documentation, defaults and validation.

import { type Normalization, normalizations, readTerminator } from '../choose/choose-options.js';
import {
  checkBoolean,
  checkInteger,
  checkOneOf,
  checkOptions,
  checkSignal,
  checkString,
  checkStrings,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import type { Calibration } from './calibration/calibration.js';
import { readCalibration } from './calibration/read-calibration.js';
import { type Confidence, confidences } from './confidence.js';
import type { Orders } from './labels.js';
import { type DecisionMethod, type RenderDecision, renderDecision } from './render.js';

/** Options of `decide`. */
export interface DecideOptions extends CallOptions {
  /**
   * `'text'` (default): the text of each option is scored as the answer, however many tokens it has.
   * No option sees another unless one has a description, and their order cannot matter.
   *
   * `'labels'`: options are listed under labels (A, B, …) and a label is the answer. For options that
   * a model would not say in these words, and models that know multiple choice.
   */
  method?: DecisionMethod | undefined;
  /**
   * With `'labels'`: in how many orders each question is asked. `'balanced'` (default): in as many as
   * it has options, so that each stands in every position, which cancels a model's preference for
   * positions and labels. A number: so many evenly spaced rotations of the caller's order, at most as
   * many as there are options; 1 is the caller's order alone. Log-probabilities are averaged.
   */
  orders?: Orders | undefined;
  /** With `'labels'`: at least as many different labels as any question has options. Default: A, B, … */
  labels?: readonly string[] | undefined;
  /**
   * Subtract the log-probabilities that the options have without the state, which are cached like
   * the priors of `choose`. Default false.
   */
  prior?: boolean | undefined;
  /** With `'text'`: length normalization of the score, as in `choose`. Default `'none'`. */
  normalize?: Normalization | undefined;
  /**
   * With `'text'`: what must follow an option, as in `choose`. With `'none'` (default) an option that
   * others begin with is scored without their part: as what does not continue like one of them. So
   * options exclude each other either way.
   */
  terminator?: string | undefined;
  /** The formula of `confidence`. Default `'reference'`. */
  confidence?: Confidence | undefined;
  /** What `calibrate` returned. Default: none. */
  calibration?: Calibration | undefined;
  /**
   * What happens with a state that does not fit in the context together with the longest question.
   * `'error'` (default): a ContextOverflowError, before anything is decoded. `'truncate'`: a
   * conversation loses its oldest messages, a text its end.
   */
  onOverflow?: 'error' | 'truncate' | undefined;
  /**
   * The chat template to render with, in Jinja; `false`: none. Default: the model's own, if it has
   * one. Thinking is switched off where a template can.
   */
  template?: string | false | undefined;
  /** The wording. Default: `renderDecision`. */
  render?: RenderDecision | undefined;
  /** Also report the tokens of every prompt and option. Default false. */
  details?: boolean | undefined;
}

/** The options after {@link readDecideOptions}: validated, with defaults applied. */
export interface DecideRequest {
  method: DecisionMethod;
  orders: Orders;
  labels: readonly string[] | undefined;
  prior: boolean;
  normalize: Normalization;
  terminator: ReturnType<typeof readTerminator>;
  confidence: Confidence;
  calibration: Calibration | undefined;
  truncates: boolean;
  template: string | false | undefined;
  render: RenderDecision;
  details: boolean;
  signal: AbortSignal | undefined;
}

/** All option names. */
export const decideOptionNames = [
  'method',
  'orders',
  'labels',
  'prior',
  'normalize',
  'terminator',
  'confidence',
  'calibration',
  'onOverflow',
  'template',
  'render',
  'details',
  'signal',
] as const;

/** Throws a TypeError for options that the method does not use. */
function checkMethod(options: Partial<DecideOptions>, method: DecisionMethod): void {
  const others = method === 'text' ? ['orders', 'labels'] : ['normalize', 'terminator'];
  for (const name of others as (keyof DecideOptions)[]) {
    if (options[name] !== undefined) {
      throw wrongType(`nothing, with method '${method}',`, name, options[name]);
    }
  }
}

function readLabels(value: unknown): string[] | undefined {
  if (value === undefined) return undefined;
  const labels = checkStrings(value, 'labels');
  const seen = new Set<string>();
  for (const [index, label] of labels.entries()) {
    if (label === '') throw wrongRange('a non-empty string', `labels[${index}]`, label);
    if (seen.has(label)) throw wrongRange('labels that all differ', 'labels', label);
    seen.add(label);
  }
  return labels;
}

function readTemplate(value: unknown): string | false | undefined {
  return value === undefined || value === false ? value : checkString(value, 'template');
}

/** Validates the options of `decide`; throws TypeError or RangeError. */
export function readDecideOptions(value: DecideOptions | undefined): DecideRequest {
  const options = checkOptions(value, 'options', decideOptionNames);
  const method = checkOneOf(options.method ?? 'text', 'method', ['text', 'labels']);
  checkMethod(options, method);
  const orders = options.orders ?? 'balanced';
  const onOverflow = checkOneOf(options.onOverflow ?? 'error', 'onOverflow', ['error', 'truncate']);
  const render = options.render ?? renderDecision;
  if (typeof render !== 'function') throw wrongType('a function', 'render', render);
  if (typeof orders === 'string' && orders !== 'balanced') {
    throw wrongType("'balanced' or an integer", 'orders', orders);
  }
  return {
    method,
    orders: orders === 'balanced' ? orders : checkInteger(orders, 'orders', 1),
    labels: readLabels(options.labels),
    prior: checkBoolean(options.prior ?? false, 'prior'),
    normalize: checkOneOf(options.normalize ?? 'none', 'normalize', normalizations),
    terminator: readTerminator(options.terminator ?? 'none', 'terminator'),
    confidence: checkOneOf(options.confidence ?? 'reference', 'confidence', confidences),
    calibration: readCalibration(options.calibration),
    truncates: onOverflow === 'truncate',
    template: readTemplate(options.template),
    render,
    details: checkBoolean(options.details ?? false, 'details'),
    signal: checkSignal(options.signal, 'signal'),
  };
}
