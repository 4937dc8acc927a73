// The options of `TfLM.load`, their defaults, and their reading.

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
  /** Where the model runs; what is not there is refused. Default: as the model's config says, or `'cpu'`. */
  device?: (typeof devices)[number] | undefined;
  /** Which of the model's files is taken, by its weights. Default: as its config says, or `'fp32'`. */
  dtype?: (typeof dtypes)[number] | undefined;
  /** Where downloads are kept. Default: where the package Transformers keeps them. */
  cacheDir?: string | undefined;
  /** Download nothing. Default false. */
  localFilesOnly?: boolean | undefined;
  /** Branch, tag or commit of a model of the hub. Default `'main'`. */
  revision?: string | undefined;
  /** Threads of one forward. Default: as ONNX Runtime has it, the physical cores. */
  threads?: number | undefined;
  /** How many tokens a prompt and what follows it may have. At most, and by default, the model's own. */
  contextSize?: number | undefined;
  /**
   * How many tokens of a prompt are decoded at once: many models give the logits of all of them.
   * Default: as many as have 2²⁵ logits, and at least 16.
   */
  batchSize?: number | undefined;
  /**
   * How many branches of a tree are decoded at once, at most. Default: 32, or fewer where what
   * the model keeps of their tokens would take more than 256 MiB.
   */
  batchRows?: number | undefined;
  /**
   * How many tokens the prefix cache holds. The last sequence is held whatever its length.
   * Default 4096.
   */
  cacheTokens?: number | undefined;
  /**
   * How often a forward is tried in all, but for those of a tree. Default 1: what fails here
   * fails for reasons that waiting seldom mends.
   */
  retries?: number | undefined;
  /** Told the loaded fraction, from 0 to 1. What it throws, the load rejects with. */
  onProgress?: ((fraction: number) => void) | undefined;
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
    const given = options[name];
    return given === undefined ? undefined : checkInteger(given, name, 1);
  };
  return {
    device: device === undefined ? undefined : checkOneOf(device, 'device', devices),
    dtype: dtype === undefined ? undefined : checkOneOf(dtype, 'dtype', dtypes),
    cacheDir: cacheDir === undefined ? undefined : checkText(cacheDir, 'cacheDir'),
    localFilesOnly: checkBoolean(options.localFilesOnly ?? false, 'localFilesOnly'),
    revision: revision === undefined ? undefined : checkText(revision, 'revision'),
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

/** What {@link readTfLMOptions} makes of the options. */
export type TfLMRequest = ReturnType<typeof readTfLMOptions>;

/** A text that names something; throws TypeError. */
export function checkText(value: unknown, name: string): string {
  const text = checkString(value, name);
  if (text === '' || text.includes('\0'))
    throw wrongType('a text that names something', name, text);
  return text;
}
