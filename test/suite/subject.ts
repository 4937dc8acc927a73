// What the shared suite needs to know of the LM that it tests.

import type { MakeLM } from './with-lm.js';

export interface Subject {
  make: MakeLM;
  prompt: string;
  /** At least three continuations of the prompt, none a prefix of another. */
  choices: readonly [string, string, string, ...string[]];
  /** How far log-probabilities of two ways of computing them may be apart. */
  tolerance: number;
}
