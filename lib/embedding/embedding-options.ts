// How an embedder is built: the options, their defaults, and what native code gets of them.
// Embedder and LLaMa use it.

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
 * How the vectors of a text's tokens become the text's: not at all (`'none'`), their mean, the
 * first (`'cls'`), the last, or what the model's head makes of them to rank or to classify.
 */
export type Pooling = (typeof poolings)[number];

/** To what length a vector is brought; a number p of at least 1 means the p-norm. */
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
  /** Default: the model's own, or `'mean'` where its file says nothing of it. */
  pooling?: Pooling | undefined;
  /**
   * Default true, which is `'l2'`: a sum of squares of 1. `'taxicab'`: a sum of magnitudes of 1.
   * `'max'`: a largest magnitude of 32760, as llama.cpp has it. False: as the model gives them.
   * A vector of zeros stays what it is. Not with pooling `'rank'`, whose outputs are no vectors.
   */
  normalize?: VectorNormalization | undefined;
  /** Most tokens of a text. Default: the training context, 2048 at most. */
  contextSize?: number | undefined;
  /**
   * Most tokens of several texts that are decoded together, at least 2. Default 512, less for a
   * large vocabulary. A longer text goes alone: at once where the model's attention looks
   * ahead, else piece by piece.
   */
  batchSize?: number | undefined;
  /**
   * Most texts that are decoded together, 1 to 256. Default 64. With 1, a text's vector is the
   * same to the last bit whatever other texts come with it; else it is the same to rounding.
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

/** What {@link readEmbeddingOptions} makes of the options. */
export interface EmbeddingRequest {
  native: NativeSessionOptions;
  /** Empty for the model's own. */
  pooling: Pooling | '';
  /** As native code wants it; undefined for the default. */
  norm: number | undefined;
}

/** What native code takes for `normalize: true`. */
export const defaultNorm = 2;

/** What ggml takes. */
const mostSequences = 256;
const usualContextSize = 2048;

function readNorm(value: unknown): number {
  if (value === true || value === 'l2') return defaultNorm;
  if (value === false) return -1;
  if (value === 'max') return 0;
  if (value === 'taxicab') return 1;
  if (typeof value === 'number') return checkNumber(value, 'normalize', 1);
  throw wrongType("a boolean, 'l2', 'max', 'taxicab' or a number", 'normalize', value);
}

/**
 * Checks the options and sets the defaults; throws TypeError or RangeError.
 *
 * @param trainContextSize the model's; 0 where it is not known
 */
export function readEmbeddingOptions(
  value: EmbeddingOptions | undefined,
  trainContextSize: number,
): EmbeddingRequest {
  const options = checkOptions(value, 'options', embeddingOptionNames);
  const { pooling, normalize, contextSize, batchSize, maxSequences } = options;
  const usual = Math.min(trainContextSize || usualContextSize, usualContextSize);
  if (pooling !== undefined) checkOneOf(pooling, 'pooling', poolings);
  if (pooling === 'rank' && normalize !== undefined) {
    throw wrongType("nothing, with pooling 'rank',", 'normalize', normalize);
  }
  return {
    native: {
      ...readContextOptions(pick(options, contextNames), undefined),
      contextSize: checkInteger(contextSize ?? usual, 'contextSize', 1),
      batchSize: batchSize === undefined ? 0 : checkInteger(batchSize, 'batchSize', 2),
      maxSequences: checkInteger(maxSequences ?? 64, 'maxSequences', 1, mostSequences),
    },
    pooling: pooling ?? '',
    norm: normalize === undefined ? undefined : readNorm(normalize),
  };
}
