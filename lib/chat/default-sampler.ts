// The sampler of a thread unless its options set one. `Thread` calls it.

import { modelOf } from '../chat-template/conversation.js';
import type { CompletionDefaults } from '../generation/completion-options.js';
import type { LM } from '../lm.js';
import { samplers } from '../sampling/samplers.js';

type Sampler = CompletionDefaults['sampler'];

/** llama.cpp's defaults on a LLaMa; undefined, the LM's own default, if the LM has no model. */
export function defaultSampler(lm: LM): Sampler {
  return modelOf(lm) === undefined ? undefined : samplers.DefaultSampling;
}

/** The sampler's limit on the tokens of an answer; Infinity if it sets none. */
export function samplerLimit(sampler: Sampler): number {
  const limit = sampler?.maxTokens ?? 0;
  return limit >= 1 ? limit : Infinity;
}
