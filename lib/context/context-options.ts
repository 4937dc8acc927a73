// How a context is built: the options, their defaults, and what native code gets of them.
// LLaMa uses it.

import {
  checkBoolean,
  checkInteger,
  checkOneOf,
  checkOptions,
  wrongRange,
} from '../common/arguments.js';
import { physicalCores } from '../common/physical-cores.js';
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

/** How keys or values are kept in the KV cache. */
export type CacheType = (typeof cacheTypes)[number];

/** Options of a LLaMa's context. */
export interface ContextOptions extends RopeOptions {
  /** Most tokens of a prompt and what follows it. Default: the training context, 4096 at most. */
  contextSize?: number | undefined;
  /** Most tokens of one decode call, at least 2. Default 2048, the context's size at most. */
  batchSize?: number | undefined;
  /** Most tokens that are computed together, at least 2. Default 512, the batch's size at most. */
  microBatchSize?: number | undefined;
  /** Prompt slots and branches together, 4 to 256. Default 256. */
  maxSequences?: number | undefined;
  /** How many prompts the prefix cache keeps. Default 8; three sequences must remain. */
  promptSlots?: number | undefined;
  /** Threads that generate. Default: the physical cores. */
  threads?: number | undefined;
  /** Threads that decode batches. Default: `threads`. */
  threadsBatch?: number | undefined;
  /**
   * Default false: with flash attention, equal branches of one batch may differ in the last
   * digits. `'auto'` leaves it to the engine. Required by a quantised V cache.
   */
  flashAttention?: boolean | 'auto' | undefined;
  /** Default `'f16'`. */
  kvCacheTypeK?: CacheType | undefined;
  /** Default `'f16'`. */
  kvCacheTypeV?: CacheType | undefined;
  /** Keep the KV cache on the GPU, where there is one. Default true. */
  offloadKqv?: boolean | undefined;
  /** Bytes that the logits of one decode call may take. Default 64 MiB. */
  logitsBudget?: number | undefined;
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
  ...ropeOptionNames,
] as const satisfies (keyof ContextOptions)[];

const defaultContextSize = 4096;
const engineSequences = 256;
/** What ggml takes. */
const mostThreads = 512;
/** Besides the prompt slots: two for branches, one for padding. */
const scratchSequences = 3;

function readFlashAttention(value: unknown): NativeSessionOptions['flashAttention'] {
  if (value === 'auto') return value;
  return checkBoolean(value, 'flashAttention') ? 'on' : 'off';
}

function readSizes(options: ContextOptions, trainContextSize: number) {
  const usual = Math.min(trainContextSize || defaultContextSize, defaultContextSize);
  const contextSize = checkInteger(options.contextSize ?? usual, 'contextSize', 4);
  const batchSize = checkInteger(options.batchSize ?? Math.min(2048, contextSize), 'batchSize', 2);
  const microBatchSize = checkInteger(
    options.microBatchSize ?? Math.min(512, batchSize),
    'microBatchSize',
    2,
    batchSize,
  );
  const maxSequences = checkInteger(
    options.maxSequences ?? engineSequences,
    'maxSequences',
    scratchSequences + 1,
    engineSequences,
  );
  const mostSlots = maxSequences - scratchSequences;
  const promptSlots = checkInteger(
    options.promptSlots ?? Math.min(8, mostSlots),
    'promptSlots',
    1,
    mostSlots,
  );
  return { contextSize, batchSize, microBatchSize, maxSequences, promptSlots };
}

/**
 * Checks the options and sets the defaults; throws TypeError or RangeError.
 *
 * @param training the model's; undefined where it is not known
 */
export function readContextOptions(
  value: ContextOptions | undefined,
  training: RopeTraining | undefined,
): NativeSessionOptions {
  const options = checkOptions(value, 'options', contextOptionNames);
  const threads = checkInteger(options.threads ?? physicalCores(), 'threads', 1, mostThreads);
  const flashAttention = readFlashAttention(options.flashAttention ?? false);
  const kvCacheTypeV = checkOneOf(options.kvCacheTypeV ?? 'f16', 'kvCacheTypeV', cacheTypes);
  if (/q/.test(kvCacheTypeV) && flashAttention === 'off') {
    throw wrongRange(
      "'f32', 'f16' or 'bf16', without flashAttention,",
      'kvCacheTypeV',
      kvCacheTypeV,
    );
  }
  const sizes = readSizes(options, training?.trainContextSize ?? 0);
  return {
    ...sizes,
    threads,
    threadsBatch: checkInteger(options.threadsBatch ?? threads, 'threadsBatch', 1, mostThreads),
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
    ...readRopeOptions(options, sizes.contextSize, training),
  };
}
