// Converts sampler settings to the native binding's form.

import { SamplerSettings } from '../sampling/sampler-settings.js';
import type { NativeSampling } from './binding.js';

/** Greedy decoding. */
const greedy = new SamplerSettings({ temperature: 0 });

/**
 * The native form of settings (undefined: greedy decoding) and a grammar ('' for none). Draws a
 * random seed if none is set.
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
