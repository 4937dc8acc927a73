import type { NativeSampling } from './binding.js';
import type { SamplerSettings } from './sampler-settings.js';
export function nativeSampling(_s: SamplerSettings | undefined, _g: string): NativeSampling {
  return { seed: 1 } as unknown as NativeSampling;
}
