// Types of outputs.mjs.

import type { LLaMa } from 'autocog-lm';

/** The outputs of an LM after a prompt; numbers as the base64 of their bytes. */
export interface Outputs {
  cached: number[];
  decoded: number;
  greedy: string;
  eval: string;
  logprobs: string[];
}

export function outputsOf(lm: LLaMa, prompt: Int32Array): Promise<Outputs>;
