// The options of `evaluate`: their documentation, defaults and validation.

import type { AutomatonBoundary, Metric } from '../automaton/actions.js';
import {
  checkBoolean,
  checkInteger,
  checkOneOf,
  checkOptions,
  checkSignal,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';

const metrics = ['mean', 'sum', 'bytes'] as const;
const boundaries = ['separate', 'healed'] as const;
const ends = ['exhausted', 'best'] as const;

/** How far an evaluation is, after each of its rounds. */
export interface EvaluationProgress {
  /** Rounds so far: in each, the thoughts whose next actions are of the best one's kind advance. */
  rounds: number;
  /** Thoughts that may continue, and thoughts that are finished. */
  open: number;
  finished: number;
  /** Tokens scored or generated so far. */
  tokens: number;
  /** The score of the best finished thought, if any. */
  bestScore: number | undefined;
}

/** Options of `evaluate`. */
export interface EvaluateOptions extends CallOptions {
  /** Overrides that of the automaton. */
  metric?: Metric | undefined;
  /** Overrides that of the automaton. */
  boundary?: AutomatonBoundary | undefined;
  /**
   * Stops before a round once so many thoughts were kept. Thoughts and texts that would follow beyond
   * them are left out of a round. Default 10,000.
   */
  maxThoughts?: number | undefined;
  /** Stops before a round once so many tokens were scored or generated. Default: no limit. */
  maxTokens?: number | undefined;
  /** Stops once so many thoughts are finished. Default: no limit. */
  stopAfter?: number | undefined;
  /**
   * `'exhausted'` (default): when no thought is open. `'best'`: also when no open thought can become
   * better than the best finished one, which only metric `'sum'` with boundary `'separate'` can prove:
   * its scores only fall.
   */
  until?: 'exhausted' | 'best' | undefined;
  /**
   * Whether an abort resolves with the tree so far, its open thoughts marked `'abandoned'`, rather
   * than rejecting, once the automaton has been planned. Default false.
   */
  stopOnAbort?: boolean | undefined;
  /** Called after each round. Returning `false` stops as `stopOnAbort` does. */
  onProgress?: ((progress: EvaluationProgress) => unknown) | undefined;
}

/** The options after {@link readEvaluateOptions}. */
export interface EvaluateRequest {
  metric: Metric | undefined;
  boundary: AutomatonBoundary | undefined;
  maxThoughts: number;
  /** Infinity: no limit, here and below. */
  maxTokens: number;
  stopAfter: number;
  until: 'exhausted' | 'best';
  /** Whether the caller set a limit that ends cycles. */
  isLimited: boolean;
  stopOnAbort: boolean;
  onProgress: ((progress: EvaluationProgress) => unknown) | undefined;
  signal: AbortSignal | undefined;
}

const defaultMaxThoughts = 10_000;

/** Checks the options; throws TypeError or RangeError. */
export function readEvaluateOptions(value: EvaluateOptions | undefined): EvaluateRequest {
  const names = [
    'metric',
    'boundary',
    'maxThoughts',
    'maxTokens',
    'stopAfter',
    'until',
    'stopOnAbort',
    'onProgress',
    'signal',
  ] as const;
  const { metric, boundary, maxThoughts, maxTokens, stopAfter, until, onProgress, ...rest } =
    checkOptions(value, 'options', names);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw wrongType('a function', 'onProgress', onProgress);
  }
  const limit = (given: unknown, name: string): number =>
    given === undefined ? Infinity : checkInteger(given, name, 1);
  return {
    metric: metric === undefined ? undefined : checkOneOf(metric, 'metric', metrics),
    boundary: boundary === undefined ? undefined : checkOneOf(boundary, 'boundary', boundaries),
    maxThoughts: checkInteger(maxThoughts ?? defaultMaxThoughts, 'maxThoughts', 1),
    maxTokens: limit(maxTokens, 'maxTokens'),
    stopAfter: limit(stopAfter, 'stopAfter'),
    until: checkOneOf(until ?? 'exhausted', 'until', ends),
    isLimited: [maxThoughts, maxTokens, stopAfter].some((each) => each !== undefined),
    stopOnAbort: checkBoolean(rest.stopOnAbort ?? false, 'stopOnAbort'),
    onProgress,
    signal: checkSignal(rest.signal, 'signal'),
  };
}

/** Throws RangeError if the end that was requested cannot be proven. */
export function checkEnd(
  { until }: EvaluateRequest,
  metric: Metric,
  boundary: AutomatonBoundary,
): void {
  if (until !== 'best') return;
  if (metric !== 'sum') {
    throw wrongRange("'exhausted', unless the metric is 'sum',", 'until', until);
  }
  // The scores of tokens that are replaced no longer count.
  if (boundary !== 'separate') {
    throw wrongRange("'exhausted', unless the boundary is 'separate',", 'until', until);
  }
}
