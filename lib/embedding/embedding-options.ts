// Options of an Embedder: their types, defaults and validation, and their native form. Embedder and
// LLaMa use it.

import {
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptions,
  wrongType,
} from '../common/arguments.js';
import { pick } from '../common/pick.js';
import { type ContextOptions, readContextOptions } from '../context/context-options.js';
import type { NativeSessionOptions } from '../native/binding.js';

const poolings = ['none', 'mean', 'cls', 'last', 'rank'] as const;

/**
 * How the vectors of a text's tokens are combined: not at all (`'none'`), by their mean, by taking
 * the first (`'cls'`) or the last, or by the model's ranking or classification head (`'rank'`).
 */
export type Pooling = (typeof poolings)[number];

/** The norm that vectors are scaled to; a number p of at least 1 means the p-norm. */
export type VectorNormalization = boolean | 'l2' | 'max' | 'taxicab' | number;

const contextNames = [
  'threads',
  'flashAttention',
  'kvCacheTypeK',
  'kvCacheTypeV',
  'offloadKqv',
  'ropeFrequencyBase',
  'ropeFrequencyScale',
] as const satisfies (keyof ContextOptions)[];

/** Options of an Embedder. */
export interface EmbeddingOptions extends Pick<ContextOptions, (typeof contextNames)[number]> {
  /** Default: the model's own, or `'mean'` if its file does not specify one. */
  pooling?: Pooling | undefined;
  /**
   * Default true, which is `'l2'`: squares sum to 1. `'taxicab'`: magnitudes sum to 1. `'max'`: the
   * largest magnitude is 32760, as in llama.cpp. False: unscaled. A zero vector stays zero. Not
   * allowed with pooling `'rank'`, whose outputs are not vectors.
   */
  normalize?: VectorNormalization | undefined;
  /** Maximum tokens of a text. Default: the training context, at most 2048. */
  contextSize?: number | undefined;
  /**
   * Maximum tokens of a batch of several texts, at least 2. Default 512, less for a large
   * vocabulary. A longer text is decoded alone: in one batch if the model's attention is
   * bidirectional, in several if it is causal.
   */
  batchSize?: number | undefined;
  /**
   * Maximum texts per batch, 1 to 256. Default 64. With 1, a text's vector is bit-identical
   * regardless of the other texts in the call; otherwise it is equal up to rounding.
   */
  maxSequences?: number | undefined;
}

/** The names of {@link EmbeddingOptions}. */
export const embeddingOptionNames = [
  ...contextNames,
  'pooling',
  'normalize',
  'contextSize',
  'batchSize',
  'maxSequences',
] as const satisfies (keyof EmbeddingOptions)[];

/** The result of {@link readEmbeddingOptions}. */
export interface EmbeddingRequest {
  native: NativeSessionOptions;
  /** Empty for the model's default. */
  pooling: Pooling | '';
  /** In native code's encoding; undefined for the default. */
  norm: number | undefined;
}

/** The native encoding of `normalize: true`. */
export const defaultNorm = 2;

/** llama.cpp's limit. */
const maxEngineSequences = 256;
const defaultContextSize = 2048;

function readNorm(value: unknown): number {
  if (value === true || value === 'l2') return defaultNorm;
  if (value === false) return -1;
  if (value === 'max') return 0;
  if (value === 'taxicab') return 1;
  if (typeof value === 'number') return checkNumber(value, 'normalize', 1);
  throw wrongType("a boolean, 'l2', 'max', 'taxicab' or a number", 'normalize', value);
}

/**
 * Validates the options and fills in the defaults. Throws TypeError or RangeError.
 *
 * @param trainContextSize the model's; 0 if unknown
 */
export function readEmbeddingOptions(
  value: EmbeddingOptions | undefined,
  trainContextSize: number,
): EmbeddingRequest {
  const options = checkOptions(value, 'options', embeddingOptionNames);
  const { pooling, normalize, contextSize, batchSize, maxSequences } = options;
  const defaultSize = Math.min(trainContextSize || defaultContextSize, defaultContextSize);
  if (pooling !== undefined) checkOneOf(pooling, 'pooling', poolings);
  if (pooling === 'rank' && normalize !== undefined) {
    throw wrongType("no value with pooling 'rank'", 'normalize', normalize);
  }
  return {
    native: {
      ...readContextOptions(pick(options, contextNames), undefined),
      contextSize: checkInteger(contextSize ?? defaultSize, 'contextSize', 1),
      batchSize: batchSize === undefined ? 0 : checkInteger(batchSize, 'batchSize', 2),
      maxSequences: checkInteger(maxSequences ?? 64, 'maxSequences', 1, maxEngineSequences),
    },
    pooling: pooling ?? '',
    norm: normalize === undefined ? undefined : readNorm(normalize),
  };
}
