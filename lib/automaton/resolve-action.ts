// An action with all of its defaults, as the searches read it.

import {
  type ChooseRequest,
  type Normalization,
  readTerminator,
} from '../choose/choose-options.js';
import type { Action, ChooseAction, CompleteAction, Metric, Stop, TextAction } from './actions.js';
import type { VocabularyExpression } from './vocabulary-expression.js';

interface ResolvedBase {
  id: string;
  /** Empty if the thought is finished. */
  next: readonly string[];
}

/** A {@link TextAction} with its defaults. */
export interface ResolvedText extends ResolvedBase {
  type: 'text';
  text: string;
  evaluate: boolean;
}

/** A {@link ChooseAction} with its defaults. */
export interface ResolvedChoose extends ResolvedBase {
  type: 'choose';
  choices: readonly string[];
  /** At most the number of choices. */
  width: number;
  threshold: number;
  normalize: Normalization;
  terminator: ChooseRequest['terminator'];
}

/** A {@link CompleteAction} with its defaults. */
export interface ResolvedComplete extends ResolvedBase {
  type: 'complete';
  maxTokens: number;
  beams: number;
  ahead: number;
  /** At most the number of beams. */
  width: number;
  threshold: number;
  normalize: Normalization;
  stop: readonly Stop[];
  /** Undefined: any token. */
  vocabulary: VocabularyExpression | undefined;
  repetition: number;
  diversity: number;
}

/** An action with its defaults. */
export type ResolvedAction = ResolvedText | ResolvedChoose | ResolvedComplete;

/** What a log-probability is divided by, by default, where thoughts are compared by a metric. */
export const normalizationOf: Readonly<Record<Metric, Normalization>> = {
  mean: 'tokens',
  sum: 'none',
  bytes: 'bytes',
};

/** A valid action with its defaults. */
export function resolveAction(action: TextAction, metric: Metric): ResolvedText;
export function resolveAction(action: ChooseAction, metric: Metric): ResolvedChoose;
export function resolveAction(action: CompleteAction, metric: Metric): ResolvedComplete;
export function resolveAction(action: Action, metric: Metric): ResolvedAction;
export function resolveAction(action: Action, metric: Metric): ResolvedAction {
  const { id, next = [] } = action;
  if (action.type === 'text') {
    const { text, evaluate = false } = action;
    return { id, type: 'text', next, text, evaluate };
  }
  const { threshold = 0, normalize = normalizationOf[metric] } = action;
  if (action.type === 'choose') {
    const { choices, width = choices.length, terminator = 'none' } = action;
    return {
      id,
      type: 'choose',
      next,
      choices,
      width: Math.min(width, choices.length),
      threshold,
      normalize,
      terminator: readTerminator(terminator, 'terminator'),
    };
  }
  const { maxTokens, beams = 1, ahead = 0, width = beams, stop = [] } = action;
  const { vocabulary, repetition = 0, diversity = 0 } = action;
  return {
    id,
    type: 'complete',
    next,
    maxTokens,
    beams,
    ahead,
    width: Math.min(width, beams),
    threshold,
    normalize,
    stop: Array.isArray(stop) ? (stop as readonly Stop[]) : [stop as Stop],
    vocabulary,
    repetition,
    diversity,
  };
}
