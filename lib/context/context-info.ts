// What a LLaMa's context was built with, as facts. `lib/context/session.ts` makes it once the context
// stands.

import type { ModelInfo } from '../model/model-info.js';
import type { NativeSessionInfo, NativeSessionOptions } from '../native/binding.js';
import type { CacheType } from './context-options.js';
import { contextScaleOf } from './rope.js';

/** What a context was built with, and what of it is in effect. */
export interface ContextInfo {
  /** Most tokens of a prompt and what follows it. */
  readonly contextSize: number;
  /** `contextSize / trainContextSize`; 0 where the model does not say what it was trained on. */
  readonly contextScale: number;
  /** Most tokens of one decode call. */
  readonly batchSize: number;
  /** Most tokens that are computed together. */
  readonly microBatchSize: number;
  readonly maxSequences: number;
  readonly promptSlots: number;
  readonly threads: number;
  readonly threadsBatch: number;
  /** Whether flash attention is in effect, which `'auto'` leaves to the engine. */
  readonly flashAttention: boolean;
  readonly kvCacheTypeK: CacheType;
  readonly kvCacheTypeV: CacheType;
  /** Whether the KV cache is on the GPU, if there is one. */
  readonly offloadKqv: boolean;
  /** How many of the model's layers are on GPUs, its output's counted as one. */
  readonly gpuLayers: number;
  /** The base of the rotary frequencies in effect; undefined where positions are not rotary. */
  readonly ropeFrequencyBase: number | undefined;
  /** What positions are multiplied by; undefined where they are not rotary. */
  readonly ropeFrequencyScale: number | undefined;
  /** `'none'`, `'linear'`, `'yarn'` or `'longrope'`; undefined where positions are not rotary. */
  readonly ropeScaling: string | undefined;
}

export function makeContextInfo(
  model: ModelInfo,
  options: NativeSessionOptions,
  { maxRows: _, ...built }: NativeSessionInfo,
): ContextInfo {
  const rotary = model.ropeFrequencyBaseTrain !== undefined;
  const ropeScaling =
    options.ropeScaling === 'model' ? model.ropeScalingTrain : options.ropeScaling;
  // The engine computes with single precision.
  const single = (value: number | undefined) => (value === undefined ? value : Math.fround(value));
  const scale = single(options.ropeFrequencyScale || model.ropeFrequencyScaleTrain);
  return Object.freeze({
    ...built,
    contextScale: contextScaleOf(built.contextSize, model.trainContextSize),
    kvCacheTypeK: options.kvCacheTypeK as CacheType,
    kvCacheTypeV: options.kvCacheTypeV as CacheType,
    offloadKqv: options.offloadKqv,
    gpuLayers: model.gpuLayers,
    ropeFrequencyBase: rotary
      ? single(options.ropeFrequencyBase || model.ropeFrequencyBaseTrain)
      : undefined,
    // Without scaling llama.cpp takes no scale, the model's own included.
    ropeFrequencyScale: rotary && ropeScaling === 'none' ? 1 : rotary ? scale : undefined,
    ropeScaling: rotary ? ropeScaling : undefined,
  });
}
