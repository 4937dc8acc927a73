// `LLaMa.contextInfo`: the parameters in effect in a context. `lib/context/session.ts` builds it
// when the context is ready.

import type { ModelInfo } from '../model/model-info.js';
import type { NativeSessionInfo, NativeSessionOptions } from '../native/binding.js';
import type { CacheType } from './context-options.js';
import { contextScaleOf } from './rope.js';

/** The parameters in effect in a context. */
export interface ContextInfo {
  /** Maximum tokens of a prompt plus its continuation; of an encoder-decoder, of each of them. */
  readonly contextSize: number;
  /** Whether an encoder reads prompts, and a decoder begins a text of its own (T5). */
  readonly encoderDecoder: boolean;
  /** `contextSize / trainContextSize`; 0 if the model does not state its training context. */
  readonly contextScale: number;
  /** Maximum tokens per decode call (logical batch). */
  readonly batchSize: number;
  /** Maximum tokens computed together (physical batch). */
  readonly microBatchSize: number;
  readonly maxSequences: number;
  readonly promptSlots: number;
  readonly threads: number;
  readonly threadsBatch: number;
  /** Whether flash attention is in effect; with `'auto'`, the engine decides. */
  readonly flashAttention: boolean;
  readonly kvCacheTypeK: CacheType;
  readonly kvCacheTypeV: CacheType;
  /** Whether the KV cache is offloaded to the GPU, if there is one. */
  readonly offloadKqv: boolean;
  /** The number of layers offloaded to GPUs; the output layer counts as one. */
  readonly gpuLayers: number;
  /** The approximate size of the KV cache, and of the states of recurrent layers, in bytes. */
  readonly cacheBytes: number;
  /** The RoPE frequency base in effect; undefined if the model does not use RoPE. */
  readonly ropeFrequencyBase: number | undefined;
  /** The factor that positions are multiplied by; undefined if the model does not use RoPE. */
  readonly ropeFrequencyScale: number | undefined;
  /** `'none'`, `'linear'`, `'yarn'` or `'longrope'`; undefined if the model does not use RoPE. */
  readonly ropeScaling: string | undefined;
}

/** Combines what was requested, what the engine built, and the model's defaults. */
export function makeContextInfo(
  model: ModelInfo,
  options: NativeSessionOptions,
  { maxRows: _, ...built }: NativeSessionInfo,
): ContextInfo {
  const rotary = model.ropeFrequencyBaseTrain !== undefined;
  const ropeScaling =
    options.ropeScaling === 'model' ? model.ropeScalingTrain : options.ropeScaling;
  // The engine computes in single precision.
  const single = (value: number | undefined) => (value === undefined ? value : Math.fround(value));
  const scale = single(options.ropeFrequencyScale || model.ropeFrequencyScaleTrain);
  return Object.freeze({
    ...built,
    encoderDecoder: model.encoderDecoder,
    contextScale: contextScaleOf(built.contextSize, model.trainContextSize),
    kvCacheTypeK: options.kvCacheTypeK as CacheType,
    kvCacheTypeV: options.kvCacheTypeV as CacheType,
    offloadKqv: options.offloadKqv,
    gpuLayers: model.gpuLayers,
    ropeFrequencyBase: rotary
      ? single(options.ropeFrequencyBase || model.ropeFrequencyBaseTrain)
      : undefined,
    // With scaling type `none`, llama.cpp applies no scale, not even the model's own.
    ropeFrequencyScale: rotary && ropeScaling === 'none' ? 1 : rotary ? scale : undefined,
    ropeScaling: rotary ? ropeScaling : undefined,
  });
}
