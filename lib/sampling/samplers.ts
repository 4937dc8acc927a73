// Settings by the names that easy-llama gave them.

import { type SamplerOptions, SamplerSettings } from './sampler-settings.js';

const everything: SamplerOptions = { topK: 0, topP: 1, minP: 0 };
const make = (options: SamplerOptions): SamplerSettings => new SamplerSettings(options);

/**
 * Ready-made settings. What a preset does not name has its default.
 *
 * | preset | |
 * |---|---|
 * | GreedyDecoding | the likeliest token |
 * | DefaultSampling | llama.cpp's defaults |
 * | ClassicSampling | top-k and top-p with a repetition penalty |
 * | SimpleSampling | the model's own distribution |
 * | SemiSampling | between the two |
 * | TikTokenSampling | for models with very large vocabularies |
 * | LowMinPSampling, MinPSampling, StrictMinPSampling | min-p alone |
 * | ContrastiveSearch, WarmContrastiveSearch | the likeliest token that was not written yet, mostly |
 * | RandomSampling | any token: noise |
 * | LowTempSampling, HighTempSampling | colder and hotter |
 */
export const samplers = Object.freeze({
  GreedyDecoding: make({ temperature: 0 }),
  DefaultSampling: make({}),
  ClassicSampling: make({ minP: 0, repeatPenalty: 1.1 }),
  SimpleSampling: make({ ...everything, temperature: 1 }),
  SemiSampling: make({ topK: 80, topP: 0.975, minP: 0.025, temperature: 0.9 }),
  TikTokenSampling: make({ temperature: 0.65 }),
  LowMinPSampling: make({ ...everything, minP: 0.025, temperature: 1 }),
  MinPSampling: make({ ...everything, minP: 0.05, temperature: 1 }),
  StrictMinPSampling: make({ ...everything, minP: 0.1, temperature: 1 }),
  ContrastiveSearch: make({ ...everything, temperature: 0, presencePenalty: 0.6 }),
  WarmContrastiveSearch: make({ ...everything, temperature: 0, presencePenalty: 1 }),
  RandomSampling: make({ ...everything, temperature: Infinity }),
  LowTempSampling: make({ temperature: 0.4 }),
  HighTempSampling: make({ temperature: 1.2 }),
});
