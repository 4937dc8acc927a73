// The options of `generate`, and their validation.

import { randomInt } from 'node:crypto';
import { checkBoolean, checkOptions, checkSignal, wrongType } from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import { pick } from '../common/pick.js';
import { type CompletionDefaults, readMaxTokens } from '../generation/completion-options.js';
import type { SamplerOptions } from '../sampling/sampler-settings.js';
import { samplerOptionNames } from '../sampling/sampler-settings.js';
import type { GenerationCallback } from './callback.js';

/** The sampler's options. A `seed` of −1 draws one. */
export type SamplingOptions = Omit<SamplerOptions, 'maxTokens'>;

/** Options of `generate`: the sampler's, and these. */
export interface GenerateOptions extends SamplingOptions, CallOptions {
  /** Maximum number of tokens, or Infinity. Default: `config.nPredict`, or else 128. */
  nPredict?: number | undefined;
  /** Receives each chunk; `false` stops. Default: none. */
  callback?: GenerationCallback | undefined;
  /** Report the counts and the speed as an event `info` at the end. Default false. */
  verbose?: boolean | undefined;
  /** Stop strings and stop tokens, which the text does not include. Default: none. */
  stop?: CompletionDefaults['stop'];
  /** A GBNF grammar for the text. Default: none. */
  grammar?: string | undefined;
  /** A JSON Schema for the text. Default: none. */
  jsonSchema?: object | boolean | undefined;
}

const samplingNames = samplerOptionNames.filter((name) => name !== 'maxTokens') as Exclude<
  (typeof samplerOptionNames)[number],
  'maxTokens'
>[];

const otherNames = [
  'nPredict',
  'callback',
  'verbose',
  'stop',
  'grammar',
  'jsonSchema',
  'signal',
] as const satisfies (keyof GenerateOptions)[];

/** Validated options of `generate`; the LM validates what goes to it as it is. */
export interface GenerateRequest {
  /** Undefined: the LM's default. */
  nPredict: number | undefined;
  callback: GenerationCallback | undefined;
  verbose: boolean;
  /** What the caller named. */
  sampling: SamplingOptions;
  passed: Pick<GenerateOptions, 'stop' | 'grammar' | 'jsonSchema'>;
  signal: AbortSignal | undefined;
}

/** Throws TypeError or RangeError. */
export function readGenerateOptions(
  value: GenerateOptions | undefined,
  defaultNPredict: number | undefined,
): GenerateRequest {
  const options = checkOptions(value, 'options', [...otherNames, ...samplingNames]);
  const { nPredict = defaultNPredict, callback, verbose = false } = options;
  if (callback !== undefined && typeof callback !== 'function') {
    throw wrongType('a function', 'callback', callback);
  }
  return {
    nPredict: nPredict === undefined ? undefined : readMaxTokens(nPredict, 'nPredict'),
    callback,
    verbose: checkBoolean(verbose, 'verbose'),
    sampling: definedOnly(pick(options, samplingNames)),
    passed: definedOnly(pick(options, ['stop', 'grammar', 'jsonSchema'])),
    signal: checkSignal(options.signal, 'signal'),
  };
}

/** Without the entries that are undefined, which would hide defaults. */
const definedOnly = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, item]) => item !== undefined)) as T;

/** Sampling options with a seed of −1 replaced by one that is drawn. */
export function withSeed(sampling: SamplingOptions): SamplingOptions {
  const { seed = -1 } = sampling;
  return seed === -1 ? { ...sampling, seed: randomInt(2 ** 32) } : sampling;
}

/** Sampling presets of LoLLMs: `generate(prompt, generationPresets.creative)`. */
export const generationPresets = Object.freeze({
  default: Object.freeze({ temperature: 0.5, topK: 20, topP: 0.85 }),
  deterministic: Object.freeze({ temperature: 0.2, topK: 10, topP: 0.8 }),
  creative: Object.freeze({ temperature: 0.8, topK: 50, topP: 0.9 }),
} satisfies Record<string, SamplingOptions>);
