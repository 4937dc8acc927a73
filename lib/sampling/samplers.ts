// Sampler presets, with the names of easy-llama.

import { type SamplerOptions, SamplerSettings } from './sampler-settings.js';

const noTruncation: SamplerOptions = { topK: 0, topP: 1, minP: 0 };
const make = (options: SamplerOptions): SamplerSettings => new SamplerSettings(options);

/**
 * Sampler presets. Settings that a preset does not list have their defaults.
 *
 * | preset | |
 * |---|---|
 * | GreedyDecoding | the most likely token |
 * | DefaultSampling | llama.cpp's defaults |
 * | ClassicSampling | top-k and top-p with a repetition penalty |
 * | SimpleSampling | the model's own distribution |
 * | SemiSampling | between DefaultSampling and SimpleSampling |
 * | TikTokenSampling | for models with very large vocabularies |
 * | LowMinPSampling, MinPSampling, StrictMinPSampling | min-p alone |
 * | ContrastiveSearch, WarmContrastiveSearch | greedy, with a penalty on recent tokens |
 * | RandomSampling | uniform over all tokens |
 * | LowTempSampling, HighTempSampling | a lower and a higher temperature |
 */
export const samplers = Object.freeze({
  GreedyDecoding: make({ temperature: 0 }),
  DefaultSampling: make({}),
  ClassicSampling: make({ minP: 0, repeatPenalty: 1.1 }),
  SimpleSampling: make({ ...noTruncation, temperature: 1 }),
  SemiSampling: make({ topK: 80, topP: 0.975, minP: 0.025, temperature: 0.9 }),
  TikTokenSampling: make({ temperature: 0.65 }),
  LowMinPSampling: make({ ...noTruncation, minP: 0.025, temperature: 1 }),
  MinPSampling: make({ ...noTruncation, minP: 0.05, temperature: 1 }),
  StrictMinPSampling: make({ ...noTruncation, minP: 0.1, temperature: 1 }),
  ContrastiveSearch: make({ ...noTruncation, temperature: 0, presencePenalty: 0.6 }),
  WarmContrastiveSearch: make({ ...noTruncation, temperature: 0, presencePenalty: 1 }),
  RandomSampling: make({ ...noTruncation, temperature: Infinity }),
  LowTempSampling: make({ temperature: 0.4 }),
  HighTempSampling: make({ temperature: 1.2 }),
});
