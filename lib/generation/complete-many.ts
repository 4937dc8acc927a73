// The options of `completeMany` and their validation.

import { checkPrompt, type Prompt, wrongType } from '../common/arguments.js';
import type { CompletionChunk } from '../common/completion.js';
import type { Stopwatch } from '../common/usage.js';
import type { SamplerSettings } from '../sampling/sampler-settings.js';
import {
  type CompleteOptions,
  type CompletionRequest,
  readCompleteOptions,
} from './completion-options.js';

/** Options of `completeMany`. */
export interface CompleteManyOptions extends Omit<CompleteOptions, 'onToken'> {
  /**
   * Called with each token and the index of its prompt, in order within each completion. An
   * exception, or a promise that rejects, rejects the call; `false`, or a promise of it, ends that
   * completion.
   */
  onToken?: ((chunk: CompletionChunk, index: number) => unknown) | undefined;
}

/** The options after {@link readCompleteManyOptions}. */
export interface CompleteManyRequest extends Omit<CompletionRequest, 'onToken'> {
  onToken: CompleteManyOptions['onToken'];
}

/** Checks the options; throws TypeError or RangeError. */
export function readCompleteManyOptions(
  value: CompleteManyOptions | undefined,
  defaults: Parameters<typeof readCompleteOptions>[1],
): CompleteManyRequest {
  return readCompleteOptions(value as CompleteOptions | undefined, defaults);
}

/** Checks a list of prompts; throws TypeError or RangeError. */
export function checkPrompts(value: unknown, vocabularySize: number | undefined): Prompt[] {
  if (!Array.isArray(value)) throw wrongType('an array of prompts', 'prompts', value);
  return value.map((prompt, index) => checkPrompt(prompt, `prompts[${index}]`, vocabularySize));
}

/** The settings for the n-th of several completions: a distinct, predictable seed for each. */
export function withSeed(
  sampler: SamplerSettings | undefined,
  index: number,
): SamplerSettings | undefined {
  if (sampler?.seed === undefined) return sampler;
  return sampler.with({ seed: (sampler.seed + index) % 2 ** 32 });
}

/** The arguments of several generations. */
export type ManyRun = [
  prompts: readonly Int32Array[],
  request: CompleteManyRequest,
  stopwatch: Stopwatch,
];
