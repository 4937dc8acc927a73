// How chats are sampled unless they say otherwise. Threads use it.

import { modelOf } from '../chat-template/conversation.js';
import type { CompletionDefaults } from '../generation/completion-options.js';
import type { LM } from '../lm.js';
import { samplers } from '../sampling/samplers.js';

type Sampler = CompletionDefaults['sampler'];

/** llama.cpp's defaults for a LLaMa; for an LM without a model its own. */
export function usualSampler(lm: LM): Sampler {
  return modelOf(lm) === undefined ? undefined : samplers.DefaultSampling;
}

/** How many tokens a sampler lets an answer have; Infinity where it does not say. */
export function samplerLimit(sampler: Sampler): number {
  const limit = sampler?.maxTokens ?? 0;
  return limit >= 1 ? limit : Infinity;
}
