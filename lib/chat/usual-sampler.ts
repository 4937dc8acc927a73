// How chats are sampled unless they say otherwise. Threads use it.

import type { CompletionDefaults } from '../completion.js';
import type { LM } from '../lm.js';

/** An LM's own way. */
export function usualSampler(_lm: LM): CompletionDefaults['sampler'] {
  return undefined;
}
