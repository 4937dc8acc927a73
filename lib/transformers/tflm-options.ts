// The options of `TfLM.load`, with their defaults and checks.

import {
  checkBoolean,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptions,
  checkSignal,
  checkString,
  wrongType,
} from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import { readCompletionDefaults } from '../generation/completion-options.js';
import type { GreedyLMOptions } from '../greedy-lm.js';

const devices = ['auto', 'gpu', 'cpu', 'cuda', 'webgpu', 'dml', 'coreml'] as const;
const dtypes = [
  'auto',
  'fp32',
  'fp16',
  'q8',
  'int8',
  'uint8',
  'q4',
  'bnb4',
  'q4f16',
  'q2',
  'q2f16',
  'q1',
  'q1f16',
] as const;

/** Options of `TfLM.load`. */
export interface TfLMLoadOptions extends GreedyLMOptions, CallOptions {
  /** Where the model runs. Rejects if unavailable. Default: the model config's, or `'cpu'`. */
  device?: (typeof devices)[number] | undefined;
  /** Which of the model's files to load, by its data type. Default: its config's, or `'fp32'`. */
  dtype?: (typeof dtypes)[number] | undefined;
  /** The download cache. Default: that of @huggingface/transformers. */
  cacheDir?: string | undefined;
  /** Never download. Default false. */
  localFilesOnly?: boolean | undefined;
  /** The branch, tag or commit of a model on the hub. Default `'main'`. */
  revision?: string | undefined;
  /** Threads of a forward pass. Default: ONNX Runtime's, the number of physical cores. */
  threads?: number | undefined;
  /** Maximum tokens of a prompt and its continuation. Default, and limit: the model's own. */
  contextSize?: number | undefined;
  /**
   * The number of prompt tokens decoded at once. Many models output the logits of all of them.
   * Default: 2²⁵ logits' worth of tokens, at least 16.
   */
  batchSize?: number | undefined;
  /**
   * The maximum number of tree branches decoded at once. Default: 32, or fewer if their keys and
   * values would take more than 256 MiB.
   */
  batchRows?: number | undefined;
  /**
   * The number of tokens that the prefix cache holds. The last sequence stays whatever its length.
   * Default 4096.
   */
  cacheTokens?: number | undefined;
  /**
   * The maximum attempts of a forward pass, except for trees. Default 1: waiting rarely helps
   * against a local failure.
   */
  retries?: number | undefined;
  /** Called with the loaded fraction, from 0 to 1. If it throws or rejects, so does the load. */
  onProgress?: ((fraction: number) => unknown) | undefined;
}

const names = [
  'device',
  'dtype',
  'cacheDir',
  'localFilesOnly',
  'revision',
  'threads',
  'contextSize',
  'batchSize',
  'batchRows',
  'cacheTokens',
  'onProgress',
  'signal',
  'retries',
  'delta',
  'growth',
  'completion',
] as const satisfies (keyof TfLMLoadOptions)[];

/** Checks the options before anything is loaded; throws TypeError or RangeError. */
export function readTfLMOptions(value: TfLMLoadOptions | undefined) {
  const options = checkOptions(value, 'options', names);
  const { device, dtype, cacheDir, revision, onProgress } = options;
  readCompletionDefaults(options.completion);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw wrongType('a function', 'onProgress', onProgress);
  }
  const count = (name: 'threads' | 'contextSize' | 'batchSize' | 'batchRows') => {
    const value = options[name];
    return value === undefined ? undefined : checkInteger(value, name, 1);
  };
  return {
    device: device === undefined ? undefined : checkOneOf(device, 'device', devices),
    dtype: dtype === undefined ? undefined : checkOneOf(dtype, 'dtype', dtypes),
    cacheDir: cacheDir === undefined ? undefined : checkName(cacheDir, 'cacheDir'),
    localFilesOnly: checkBoolean(options.localFilesOnly ?? false, 'localFilesOnly'),
    revision: revision === undefined ? undefined : checkName(revision, 'revision'),
    threads: count('threads'),
    contextSize: count('contextSize'),
    batchSize: count('batchSize'),
    batchRows: count('batchRows'),
    cacheTokens: checkInteger(options.cacheTokens ?? 4096, 'cacheTokens', 1),
    onProgress,
    signal: checkSignal(options.signal, 'signal'),
    greedy: {
      retries: checkInteger(options.retries ?? 1, 'retries', 1),
      delta: checkNumber(options.delta ?? 1000, 'delta', 0),
      growth: checkNumber(options.growth ?? 4, 'growth', 0),
      completion: options.completion,
    } satisfies GreedyLMOptions,
  };
}

/** Checked options, with defaults, of {@link readTfLMOptions}. */
export type TfLMRequest = ReturnType<typeof readTfLMOptions>;

/** Checks a name or path: a non-empty string without NUL characters; throws TypeError. */
export function checkName(value: unknown, name: string): string {
  const text = checkString(value, name);
  if (text === '' || text.includes('\0'))
    throw wrongType('a non-empty string without NUL characters', name, text);
  return text;
}
