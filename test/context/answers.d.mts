// Types of answers.mjs.

import type { LLaMa } from 'autocog-lm';

/** What an LM answers after a prompt; numbers as their bytes. */
export interface Answers {
  cached: number[];
  decoded: number;
  greedy: string;
  eval: string;
  logprobs: string[];
}

export function answersOf(lm: LLaMa, prompt: Int32Array): Promise<Answers>;
