// Sampler settings: validated once, immutable. `lib/generation/completion-options.ts` accepts them,
// `lib/native/sampling.ts` passes them to the engine, `samplers.ts` has presets.

import { inspect } from 'node:util';
import {
  checkBetween,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptions,
  checkStrings,
  wrongRange,
  wrongType,
} from '../common/arguments.js';

/** The samplers for {@link SamplerOptions.order}, in llama.cpp's order. */
export const samplerNames = [
  'penalties',
  'dry',
  'topNSigma',
  'topK',
  'typicalP',
  'topP',
  'minP',
  'xtc',
  'temperature',
] as const;

/** One of {@link samplerNames}. */
export type SamplerName = (typeof samplerNames)[number];

/** The options of {@link SamplerSettings}; docs/sampling.md describes each sampler. */
export interface SamplerOptions {
  /** Default `maxTokens` of completions; −1 or Infinity: no limit. Default −1. */
  maxTokens?: number | undefined;
  /** Divides the logits; 0: greedy; Infinity: uniform over the remaining tokens. Default 0.8. */
  temperature?: number | undefined;
  /** Keep the k most likely tokens; 0 or less: all. Default 40. */
  topK?: number | undefined;
  /** Keep the most likely tokens with this total probability, 0 to 1. Default 0.95; 1: off. */
  topP?: number | undefined;
  /** Keep tokens with this fraction of the top probability, 0 to 1. Default 0.05; 0: off. */
  minP?: number | undefined;
  /** Keep the most typical tokens with this total probability, 0 to 1. Default 1: off. */
  typicalP?: number | undefined;
  /** Keep logits within this many standard deviations of the maximum. Default −1; ≤ 0: off. */
  topNSigma?: number | undefined;
  /** Vary the temperature by up to this much with the entropy. Default 0: off. */
  dynamicTemperatureRange?: number | undefined;
  /** The exponent of the normalized entropy in dynamic temperature. Default 1. */
  dynamicTemperatureExponent?: number | undefined;
  /** The number of recent tokens that penalties apply to; 0: off; −1: the context. Default 64. */
  penaltyLastN?: number | undefined;
  /** Divides positive logits of recent tokens, multiplies others; 0.001 to 1000. Default 1: off. */
  repeatPenalty?: number | undefined;
  /** Subtracted from a token's logit per recent occurrence; −1000 to 1000. Default 0. */
  frequencyPenalty?: number | undefined;
  /** Subtracted from a token's logit once if it occurred recently; −1000 to 1000. Default 0. */
  presencePenalty?: number | undefined;
  /** DRY: the penalty for continuing a repetition, 0 to 1000. Default 0: off. */
  dryMultiplier?: number | undefined;
  /** DRY: the factor by which the penalty grows per repeated token, 1 to 1000. Default 1.75. */
  dryBase?: number | undefined;
  /** DRY: the longest repetition without a penalty, in tokens. Default 2. */
  dryAllowedLength?: number | undefined;
  /** DRY: the number of recent tokens to search; 0: off; −1: the context. Default 64. */
  dryPenaltyLastN?: number | undefined;
  /** DRY: strings of 1 to 40 bytes that end a repetition. Default `['\n', ':', '"', '*']`. */
  drySequenceBreakers?: readonly string[] | undefined;
  /** XTC: the probability of removing the top tokens, 0 to 1. Default 0: off. */
  xtcProbability?: number | undefined;
  /** XTC: removes all tokens above this probability but the last; > 0.5: off. Default 0.1. */
  xtcThreshold?: number | undefined;
  /** Version of Mirostat, which replaces all but temperature and bias. Default 0: off. */
  mirostat?: 0 | 1 | 2 | undefined;
  /** Mirostat's target surprise in bits, 0 to 1000. Default 5. */
  mirostatTau?: number | undefined;
  /** Mirostat's learning rate, 0 to 10. Default 0.1. */
  mirostatEta?: number | undefined;
  /** The minimum number of tokens that topP, minP, typicalP and xtc keep. Default 0. */
  minKeep?: number | undefined;
  /** Added to logits by token id, −1e9 to 1e9; −Infinity forbids a token. Default none. */
  logitBias?: Readonly<Record<number, number>> | ReadonlyMap<number, number> | undefined;
  /** The samplers to run, in order. Default: all, in llama.cpp's order. */
  order?: readonly SamplerName[] | undefined;
  /** Random seed, 0 to 2^32 − 1, for reproducible sampling. Default: drawn for each completion. */
  seed?: number | undefined;
}

type NumberName =
  | 'temperature'
  | 'topP'
  | 'minP'
  | 'typicalP'
  | 'dynamicTemperatureRange'
  | 'dynamicTemperatureExponent'
  | 'repeatPenalty'
  | 'frequencyPenalty'
  | 'presencePenalty'
  | 'dryMultiplier'
  | 'dryBase'
  | 'xtcProbability'
  | 'xtcThreshold'
  | 'mirostatTau'
  | 'mirostatEta';

/** Inclusive; the engine has the same (native/engine/generation/sampling_options.cc). */
const ranges: Record<NumberName, readonly [number, number]> = {
  temperature: [0, Infinity],
  topP: [0, 1],
  minP: [0, 1],
  typicalP: [0, 1],
  dynamicTemperatureRange: [0, 1e6],
  dynamicTemperatureExponent: [0, 1e6],
  repeatPenalty: [0.001, 1000],
  frequencyPenalty: [-1000, 1000],
  presencePenalty: [-1000, 1000],
  dryMultiplier: [0, 1000],
  dryBase: [1, 1000],
  xtcProbability: [0, 1],
  xtcThreshold: [0, 1],
  mirostatTau: [0, 1000],
  mirostatEta: [0, 10],
};

const int32Min = -(2 ** 31);
const maxBreakerBytes = 40;

/** How tokens are sampled. Immutable: {@link SamplerSettings.with} returns modified settings. */
export class SamplerSettings {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly typicalP: number;
  readonly topNSigma: number;
  readonly dynamicTemperatureRange: number;
  readonly dynamicTemperatureExponent: number;
  readonly penaltyLastN: number;
  readonly repeatPenalty: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  readonly dryMultiplier: number;
  readonly dryBase: number;
  readonly dryAllowedLength: number;
  readonly dryPenaltyLastN: number;
  readonly drySequenceBreakers: readonly string[];
  readonly xtcProbability: number;
  readonly xtcThreshold: number;
  readonly mirostat: 0 | 1 | 2;
  readonly mirostatTau: number;
  readonly mirostatEta: number;
  readonly minKeep: number;
  /** By token id, ascending. */
  readonly logitBias: ReadonlyMap<number, number>;
  readonly order: readonly SamplerName[];
  /** Undefined: drawn for each completion. */
  readonly seed: number | undefined;

  /** @throws TypeError, RangeError for invalid options */
  constructor(options?: SamplerOptions) {
    const given = checkOptions(options, 'sampler', samplerOptionNames);
    // Only undefined selects the default; null is rejected.
    const or = (name: keyof SamplerOptions, fallback: unknown): unknown =>
      given[name] === undefined ? fallback : given[name];
    const number = (name: NumberName, fallback: number): number =>
      checkBetween(or(name, fallback), name, ...ranges[name]);
    const integer = (name: keyof SamplerOptions, fallback: number, min: number): number =>
      checkInteger(or(name, fallback), name, min);
    this.maxTokens = readMaxTokens(or('maxTokens', -1));
    this.temperature = number('temperature', 0.8);
    this.topK = integer('topK', 40, int32Min);
    this.topP = number('topP', 0.95);
    this.minP = number('minP', 0.05);
    this.typicalP = number('typicalP', 1);
    this.topNSigma = checkNumber(or('topNSigma', -1), 'topNSigma');
    this.dynamicTemperatureRange = number('dynamicTemperatureRange', 0);
    this.dynamicTemperatureExponent = number('dynamicTemperatureExponent', 1);
    this.penaltyLastN = integer('penaltyLastN', 64, -1);
    this.repeatPenalty = number('repeatPenalty', 1);
    this.frequencyPenalty = number('frequencyPenalty', 0);
    this.presencePenalty = number('presencePenalty', 0);
    this.dryMultiplier = number('dryMultiplier', 0);
    this.dryBase = number('dryBase', 1.75);
    this.dryAllowedLength = integer('dryAllowedLength', 2, 0);
    this.dryPenaltyLastN = integer('dryPenaltyLastN', 64, -1);
    this.drySequenceBreakers = readBreakers(or('drySequenceBreakers', ['\n', ':', '"', '*']));
    this.xtcProbability = number('xtcProbability', 0);
    this.xtcThreshold = number('xtcThreshold', 0.1);
    this.mirostat = checkInteger(or('mirostat', 0), 'mirostat', 0, 2) as 0 | 1 | 2;
    this.mirostatTau = number('mirostatTau', 5);
    this.mirostatEta = number('mirostatEta', 0.1);
    this.minKeep = integer('minKeep', 0, 0);
    this.logitBias = readBias(or('logitBias', {}));
    this.order = readOrder(or('order', samplerNames));
    this.seed =
      given.seed === undefined ? undefined : checkInteger(given.seed, 'seed', 0, 2 ** 32 - 1);
    Object.freeze(this);
  }

  /** A copy with some settings replaced; `undefined` resets one to its default. */
  with(options: SamplerOptions): SamplerSettings {
    return new SamplerSettings({
      ...this,
      ...checkOptions(options, 'sampler', samplerOptionNames),
    });
  }

  /**
   * Whether the settings always pick the model's most likely token, regardless of earlier ones, so
   * that an LM without samplers supports them, too.
   */
  get isGreedy(): boolean {
    return !this.hasChance && !this.#changesLogits && !this.#dropsTopToken;
  }

  /** Whether sampling is random, so that the seed matters. */
  get hasChance(): boolean {
    if (this.temperature > 0) return true;
    if (this.mirostat !== 0) return false;
    const { xtcProbability, xtcThreshold, dynamicTemperatureRange } = this;
    const isXtcOn = xtcProbability > 0 && xtcThreshold <= 0.5 && this.order.includes('xtc');
    return isXtcOn || dynamicTemperatureRange > 0 || !this.order.includes('temperature');
  }

  /** One line per setting, such as `temperature: 0.8`. */
  toString(): string {
    return samplerOptionNames.map((name) => `${name}: ${format(name, this[name])}`).join('\n');
  }

  get #changesLogits(): boolean {
    if (this.logitBias.size > 0) return true;
    if (this.mirostat !== 0) return false;
    const { repeatPenalty, frequencyPenalty, presencePenalty, order } = this;
    const penalizes = repeatPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0;
    if (penalizes && this.penaltyLastN !== 0 && order.includes('penalties')) return true;
    return this.dryMultiplier > 0 && this.dryPenaltyLastN !== 0 && order.includes('dry');
  }

  get #dropsTopToken(): boolean {
    return this.mirostat === 0 && this.typicalP < 1 && this.order.includes('typicalP');
  }
}

/** The names of {@link SamplerOptions}. */
export const samplerOptionNames = [
  'maxTokens',
  'temperature',
  'topK',
  'topP',
  'minP',
  'typicalP',
  'topNSigma',
  'dynamicTemperatureRange',
  'dynamicTemperatureExponent',
  'penaltyLastN',
  'repeatPenalty',
  'frequencyPenalty',
  'presencePenalty',
  'dryMultiplier',
  'dryBase',
  'dryAllowedLength',
  'dryPenaltyLastN',
  'drySequenceBreakers',
  'xtcProbability',
  'xtcThreshold',
  'mirostat',
  'mirostatTau',
  'mirostatEta',
  'minKeep',
  'logitBias',
  'order',
  'seed',
] as const satisfies (keyof SamplerOptions)[];

function readMaxTokens(value: unknown): number {
  if (value === -1 || value === Infinity) return value;
  return checkInteger(value, 'maxTokens', 1);
}

function readBreakers(value: unknown): readonly string[] {
  const breakers = checkStrings(value, 'drySequenceBreakers');
  breakers.forEach((text, index) => {
    const bytes = Buffer.byteLength(text);
    if (bytes > 0 && bytes <= maxBreakerBytes && !text.includes('\0')) return;
    const what = `a string of 1 to ${maxBreakerBytes} bytes without a null character`;
    throw wrongRange(what, `drySequenceBreakers[${index}]`, text);
  });
  return Object.freeze(breakers);
}

function readBias(value: unknown): ReadonlyMap<number, number> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType('an object or a Map from token ids to numbers', 'logitBias', value);
  }
  const entries: [unknown, unknown][] =
    value instanceof Map
      ? [...value]
      : Object.entries(value).map(([key, bias]) => [idOf(key), bias]);
  const bias = entries.map(([token, amount]): [number, number] => {
    const id = checkInteger(token, 'a token id of logitBias', 0);
    const name = `logitBias[${id}]`;
    if (amount !== -Infinity) checkBetween(amount, name, -1e9, 1e9);
    return [id, amount as number];
  });
  return new Map(bias.sort(([a], [b]) => a - b));
}

/** The number that a key of a record stands for; any other key is returned as it is. */
function idOf(key: string): unknown {
  return String(Number(key)) === key ? Number(key) : key;
}

function readOrder(value: unknown): readonly SamplerName[] {
  if (!Array.isArray(value)) throw wrongType('an array of sampler names', 'order', value);
  value.forEach((name: unknown, index) => {
    checkOneOf(name, `order[${index}]`, samplerNames);
    if (value.indexOf(name) !== index) {
      throw wrongRange('each sampler at most once', 'order', `${name} twice`);
    }
  });
  return Object.freeze([...(value as SamplerName[])]);
}

function format(name: string, value: unknown): string {
  if (value === undefined) return 'random';
  if (value instanceof Map) {
    return [...value].map(([token, bias]) => `${token} ${bias}`).join(', ') || 'none';
  }
  if (name === 'order') return (value as string[]).join(', ') || 'none';
  if (Array.isArray(value)) return inspect(value, { breakLength: Infinity, maxArrayLength: null });
  return String(value);
}
