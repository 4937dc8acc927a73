// The description of the LM under test that the shared suite needs.

import type { MakeLM } from './with-lm.js';

/**
 * A feature that a class may lack. The suite skips its tests; the class's own tests check that it
 * reports the feature as not supported.
 */
export type Lack =
  /** `greedy` and `candidates`. The suite still calls them for reference values. */
  | 'greedy'
  /** `score`. The suite still calls it, too. */
  | 'score'
  | 'beamSearch'
  /** Automata. */
  | 'evaluate'
  /** `decide`. */
  | 'decide'
  | 'completeMany'
  /** Boundaries other than `'separate'`, and choices that merge with the prompt. */
  | 'boundaries'
  /** `details` of `choose`. */
  | 'details'
  /** A `search` that stops early: the class reports an exhaustive one. */
  | 'search'
  /** `topLogprobs` of the size of the vocabulary. */
  | 'allAlternatives';

export interface Subject {
  make: MakeLM;
  prompt: string;
  /** At least three continuations of the prompt, none a prefix of another. */
  choices: readonly [string, string, string, ...string[]];
  /** The maximum difference of log-probabilities that are computed in two ways. */
  tolerance: number;
  /** Default: nothing. */
  lacks?: readonly Lack[];
}

/** Whether the LM has a feature. */
export const has = ({ lacks = [] }: Subject, what: Lack): boolean => !lacks.includes(what);
