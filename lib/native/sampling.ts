// Sampler settings in the engine's terms.

import { SamplerSettings } from '../sampling/sampler-settings.js';
import type { NativeSampling } from './binding.js';

/** What picks the likeliest token every time. */
const greedy = new SamplerSettings({ temperature: 0 });

/**
 * The settings, or the likeliest token each time where there are none, and a grammar, '' for none.
 * Without a seed it draws one.
 */
export function nativeSampling(
  settings: SamplerSettings | undefined,
  grammar: string,
): NativeSampling {
  const { maxTokens: _, logitBias, seed, ...rest } = settings ?? greedy;
  return {
    ...rest,
    order: [...rest.order],
    drySequenceBreakers: [...rest.drySequenceBreakers],
    biasTokens: Int32Array.from(logitBias.keys()),
    biasValues: Float64Array.from(logitBias.values()),
    grammar,
    seed: seed ?? (crypto.getRandomValues(new Uint32Array(1))[0] as number),
  };
}
