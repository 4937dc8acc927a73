// Options of a LLaMa's context: their types, defaults and validation, and their native form.
// LLaMa and Embedder use it.

import {
  checkBoolean,
  checkInteger,
  checkOneOf,
  checkOptions,
  wrongRange,
} from '../common/arguments.js';
import { availableCores } from '../common/available-cores.js';
import type { NativeSessionOptions } from '../native/binding.js';
import { type RopeOptions, type RopeTraining, readRopeOptions, ropeOptionNames } from './rope.js';

const cacheTypes = [
  'f32',
  'f16',
  'bf16',
  'q8_0',
  'q5_1',
  'q5_0',
  'q4_1',
  'q4_0',
  'iq4_nl',
] as const;

/** The data type of keys or values in the KV cache. */
export type CacheType = (typeof cacheTypes)[number];

/** Options of a LLaMa's context. */
export interface ContextOptions extends RopeOptions {
  /**
   * Maximum tokens of a prompt plus its continuation; of an encoder-decoder, of each of them.
   * Default: the training size, up to 4096.
   */
  contextSize?: number | undefined;
  /** Maximum tokens per decode call, at least 2. Default: 2048, at most `contextSize`. */
  batchSize?: number | undefined;
  /**
   * Maximum tokens computed together, at least 2, at most `batchSize`. Default: 256, or 512 with
   * layers on a GPU. Larger trees are decoded in waves of so many tokens, but no fewer than 256:
   * the larger the waves, the more cells of other branches are attended to in vain. An
   * encoder-decoder uses `contextSize`, because its encoder reads a prompt as a whole.
   */
  microBatchSize?: number | undefined;
  /**
   * Maximum sequences, for prompt slots and branches together: 4 to 256. Default 256. Recurrent and
   * hybrid models may get fewer: see `stateBudget`.
   */
  maxSequences?: number | undefined;
  /**
   * The number of prompts in the prefix cache; at most `maxSequences - 3`. Default 8, or of a
   * recurrent or hybrid model's sequences a quarter, but at most 8.
   */
  promptSlots?: number | undefined;
  /** Threads for generation. Default: the number of physical cores that the process may use. */
  threads?: number | undefined;
  /** Threads for decoding batches. Default: `threads`. */
  threadsBatch?: number | undefined;
  /**
   * Whether to use flash attention; with `'auto'`, the engine decides. Required for a quantized V
   * cache. Default false, as with it, equal branches of a batch may differ in the last digits.
   */
  flashAttention?: boolean | 'auto' | undefined;
  /** The type of the KV cache's keys. Default `'f16'`. */
  kvCacheTypeK?: CacheType | undefined;
  /** The type of the KV cache's values. Default `'f16'`. */
  kvCacheTypeV?: CacheType | undefined;
  /** Offload the KV cache to the GPU, if there is one. Default true. */
  offloadKqv?: boolean | undefined;
  /** Maximum bytes of the logits of one decode call. Default 64 MiB. */
  logitsBudget?: number | undefined;
  /**
   * Maximum bytes of the states of recurrent and hybrid models, one per sequence, all allocated at
   * once: there are as many sequences as fit, each also with a row in `logitsBudget`, but at least
   * `promptSlots + 3`. Default 512 MiB.
   */
  stateBudget?: number | undefined;
}

/** The names of {@link ContextOptions}. */
export const contextOptionNames = [
  'contextSize',
  'batchSize',
  'microBatchSize',
  'maxSequences',
  'promptSlots',
  'threads',
  'threadsBatch',
  'flashAttention',
  'kvCacheTypeK',
  'kvCacheTypeV',
  'offloadKqv',
  'logitsBudget',
  'stateBudget',
  ...ropeOptionNames,
] as const satisfies (keyof ContextOptions)[];

const defaultContextSize = 4096;
/** llama.cpp's limit. */
const maxEngineSequences = 256;
/** ggml's limit. */
const maxThreads = 512;
/** The engine decides, when it knows the model and how many sequences fit. */
const engineDefault = 0;
/** Sequences besides the prompt slots: two for branches, one for padding or as a spare. */
const scratchSequences = 3;

function readFlashAttention(value: unknown): NativeSessionOptions['flashAttention'] {
  if (value === 'auto') return value;
  return checkBoolean(value, 'flashAttention') ? 'on' : 'off';
}

function readSizes(options: ContextOptions, trainContextSize: number) {
  const defaultSize = Math.min(trainContextSize || defaultContextSize, defaultContextSize);
  const contextSize = checkInteger(options.contextSize ?? defaultSize, 'contextSize', 4);
  const batchSize = checkInteger(options.batchSize ?? Math.min(2048, contextSize), 'batchSize', 2);
  const microBatchSize =
    options.microBatchSize === undefined
      ? engineDefault
      : checkInteger(options.microBatchSize, 'microBatchSize', 2, batchSize);
  const maxSequences = checkInteger(
    options.maxSequences ?? maxEngineSequences,
    'maxSequences',
    scratchSequences + 1,
    maxEngineSequences,
  );
  const maxSlots = maxSequences - scratchSequences;
  const promptSlots =
    options.promptSlots === undefined
      ? engineDefault
      : checkInteger(options.promptSlots, 'promptSlots', 1, maxSlots);
  return { contextSize, batchSize, microBatchSize, maxSequences, promptSlots };
}

/**
 * Validates the options and fills in the defaults. Throws TypeError or RangeError.
 *
 * @param training the model's; undefined if unknown
 */
export function readContextOptions(
  value: ContextOptions | undefined,
  training: RopeTraining | undefined,
): NativeSessionOptions {
  const options = checkOptions(value, 'options', contextOptionNames);
  const threads = checkInteger(options.threads ?? availableCores(), 'threads', 1, maxThreads);
  const flashAttention = readFlashAttention(options.flashAttention ?? false);
  const kvCacheTypeV = checkOneOf(options.kvCacheTypeV ?? 'f16', 'kvCacheTypeV', cacheTypes);
  if (/q/.test(kvCacheTypeV) && flashAttention === 'off') {
    throw wrongRange("'f32', 'f16' or 'bf16' without flashAttention", 'kvCacheTypeV', kvCacheTypeV);
  }
  const sizes = readSizes(options, training?.trainContextSize ?? 0);
  return {
    ...sizes,
    threads,
    threadsBatch: checkInteger(options.threadsBatch ?? threads, 'threadsBatch', 1, maxThreads),
    flashAttention,
    kvCacheTypeK: checkOneOf(options.kvCacheTypeK ?? 'f16', 'kvCacheTypeK', cacheTypes),
    kvCacheTypeV,
    offloadKqv: checkBoolean(options.offloadKqv ?? true, 'offloadKqv'),
    logitsBudget: checkInteger(
      options.logitsBudget ?? 64 * 2 ** 20,
      'logitsBudget',
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    stateBudget: checkInteger(
      options.stateBudget ?? 512 * 2 ** 20,
      'stateBudget',
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    ...readRopeOptions(options, sizes.contextSize, training),
  };
}
