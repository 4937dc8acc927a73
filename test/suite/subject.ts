// What the shared suite needs to know of the LM that it tests.

import type { MakeLM } from './with-lm.js';

/**
 * What a class may not have. The suite leaves out what is about it; that the class says so to
 * whoever asks for it is shown by the class's own tests.
 */
export type Lack =
  /** `greedy` and `candidates`. The suite asks the LM for them nevertheless: as its truth. */
  | 'greedy'
  | 'beamSearch'
  | 'completeMany'
  /** `details` of `choose`. */
  | 'details';

export interface Subject {
  make: MakeLM;
  prompt: string;
  /** At least three continuations of the prompt, none a prefix of another. */
  choices: readonly [string, string, string, ...string[]];
  /** How far log-probabilities of two ways of computing them may be apart. */
  tolerance: number;
  /** Default: nothing. */
  lacks?: readonly Lack[];
}

/** Whether the LM has something. */
export const has = ({ lacks = [] }: Subject, what: Lack): boolean => !lacks.includes(what);
