// How a token is picked: settings, checked once and never changed. `completion.ts` takes them,
// `native-sampling.ts` hands them to the engine, `samplers.ts` has some ready-made.

import { inspect } from 'node:util';
import {
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptions,
  checkStrings,
  wrongRange,
  wrongType,
} from '../common/arguments.js';

/** The samplers that can stand in {@link SamplerOptions.order}, in llama.cpp's order. */
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

/** What {@link SamplerSettings} are made of; docs/sampling.md tells what each does. */
export interface SamplerOptions {
  /** Most tokens of a completion that says no other number; −1 or Infinity: no limit. Default −1. */
  maxTokens?: number | undefined;
  /** Logits are divided by it; 0: the likeliest; Infinity: all that is left alike. Default 0.8. */
  temperature?: number | undefined;
  /** Keep so many of the likeliest; 0 or less: all. Default 40. */
  topK?: number | undefined;
  /** Keep the likeliest that have this probability together, from 0 to 1. Default 0.95; 1: off. */
  topP?: number | undefined;
  /** Keep what has this share of the likeliest's probability, from 0 to 1. Default 0.05; 0: off. */
  minP?: number | undefined;
  /** Keep the most typical that have this probability together, from 0 to 1. Default 1: off. */
  typicalP?: number | undefined;
  /** Keep what is this many standard deviations below the greatest logit. Default −1; ≤ 0: off. */
  topNSigma?: number | undefined;
  /** The temperature goes so far up and down with the entropy. Default 0: off. */
  dynamicTemperatureRange?: number | undefined;
  /** The power of the entropy by which it does. Default 1. */
  dynamicTemperatureExponent?: number | undefined;
  /** How many tokens back the penalties look; 0: off; −1: the context. Default 64. */
  penaltyLastN?: number | undefined;
  /** Divides positive logits of what was written, multiplies others; 0.001 to 1000. Default 1: off. */
  repeatPenalty?: number | undefined;
  /** Taken from the logit for each time that a token was written; −1000 to 1000. Default 0. */
  frequencyPenalty?: number | undefined;
  /** Taken from the logit of what was written at all; −1000 to 1000. Default 0. */
  presencePenalty?: number | undefined;
  /** DRY, the penalty on going on with a repetition, from 0 to 1000. Default 0: off. */
  dryMultiplier?: number | undefined;
  /** It grows by this factor with each token of the repetition, from 1 to 1000. Default 1.75. */
  dryBase?: number | undefined;
  /** Longer repetitions are penalised. Default 2. */
  dryAllowedLength?: number | undefined;
  /** How many tokens back DRY looks; 0: off; −1: the context. Default 64. */
  dryPenaltyLastN?: number | undefined;
  /** Texts of 1 to 40 bytes that repetitions do not go across. Default `['\n', ':', '"', '*']`. */
  drySequenceBreakers?: readonly string[] | undefined;
  /** How often XTC removes the likeliest tokens, from 0 to 1. Default 0: off. */
  xtcProbability?: number | undefined;
  /** It removes all but the last of those with this probability; above 0.5: off. Default 0.1. */
  xtcThreshold?: number | undefined;
  /** 1 or 2: that version of Mirostat, in place of all but temperature and bias. Default 0: off. */
  mirostat?: 0 | 1 | 2 | undefined;
  /** The surprise that Mirostat aims at, in bits, from 0 to 1000. Default 5. */
  mirostatTau?: number | undefined;
  /** How quickly it learns, from 0 to 10. Default 0.1. */
  mirostatEta?: number | undefined;
  /** topP, minP, typicalP and xtc leave so many at least. Default 0. */
  minKeep?: number | undefined;
  /** Added to the logits of token ids, from −1e9 to 1e9; −Infinity forbids a token. Default none. */
  logitBias?: Readonly<Record<number, number>> | ReadonlyMap<number, number> | undefined;
  /** The samplers, first to last; what is not listed is not run. Default: llama.cpp's order. */
  order?: readonly SamplerName[] | undefined;
  /** From 0 to 2^32 − 1; the same seed writes the same. Default: a new one for each completion. */
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

/** Both ends belong to it; the engine's are the same (native/engine/generation/sampling_options.cc). */
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
const longestBreaker = 40;

/** How tokens are picked. Frozen: {@link SamplerSettings.with} gives others. */
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
  /** Undefined: a new one for each completion. */
  readonly seed: number | undefined;

  /** Throws TypeError or RangeError for what is no setting. */
  constructor(options?: SamplerOptions) {
    const given = checkOptions(options, 'sampler', samplerOptionNames);
    // Only undefined stands for the default: null is no setting.
    const or = (name: keyof SamplerOptions, otherwise: unknown): unknown =>
      given[name] === undefined ? otherwise : given[name];
    const number = (name: NumberName, otherwise: number): number =>
      checkBetween(or(name, otherwise), name, ...ranges[name]);
    const integer = (name: keyof SamplerOptions, otherwise: number, min: number): number =>
      checkInteger(or(name, otherwise), name, min);
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

  /** These settings with some others in place of them; `undefined` gives one its default back. */
  with(options: SamplerOptions): SamplerSettings {
    return new SamplerSettings({
      ...this,
      ...checkOptions(options, 'sampler', samplerOptionNames),
    });
  }

  /**
   * Whether the pick is the model's likeliest token every time, whatever came before: what an
   * LM without samplers can do, too.
   */
  get isGreedy(): boolean {
    return !this.hasChance && !this.#reshapes && !this.#dropsTheBest;
  }

  /** Whether a seed matters. */
  get hasChance(): boolean {
    if (this.temperature > 0) return true;
    if (this.mirostat !== 0) return false;
    const { xtcProbability, xtcThreshold, dynamicTemperatureRange } = this;
    const isXtcOn = xtcProbability > 0 && xtcThreshold <= 0.5 && this.order.includes('xtc');
    return isXtcOn || dynamicTemperatureRange > 0 || !this.order.includes('temperature');
  }

  /** One line per setting, as `temperature: 0.8`. */
  toString(): string {
    return samplerOptionNames.map((name) => `${name}: ${show(name, this[name])}`).join('\n');
  }

  get #reshapes(): boolean {
    if (this.logitBias.size > 0) return true;
    if (this.mirostat !== 0) return false;
    const { repeatPenalty, frequencyPenalty, presencePenalty, order } = this;
    const penalizes = repeatPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0;
    if (penalizes && this.penaltyLastN !== 0 && order.includes('penalties')) return true;
    return this.dryMultiplier > 0 && this.dryPenaltyLastN !== 0 && order.includes('dry');
  }

  get #dropsTheBest(): boolean {
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

function checkBetween(value: unknown, name: string, min: number, max: number): number {
  if (typeof value !== 'number') throw wrongType('a number', name, value);
  // NaN is not between any two.
  if (value >= min && value <= max) return value;
  const what = max === Infinity ? `a number of at least ${min}` : `a number from ${min} to ${max}`;
  throw wrongRange(what, name, value);
}

function readMaxTokens(value: unknown): number {
  if (value === -1 || value === Infinity) return value;
  return checkInteger(value, 'maxTokens', 1);
}

function readBreakers(value: unknown): readonly string[] {
  const breakers = checkStrings(value, 'drySequenceBreakers');
  breakers.forEach((text, index) => {
    const bytes = Buffer.byteLength(text);
    if (bytes > 0 && bytes <= longestBreaker && !text.includes('\0')) return;
    const what = `a text of 1 to ${longestBreaker} bytes without a null`;
    throw wrongRange(what, `drySequenceBreakers[${index}]`, text);
  });
  return Object.freeze(breakers);
}

function readBias(value: unknown): ReadonlyMap<number, number> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType('an object or a Map of numbers by token id', 'logitBias', value);
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

/** A key of a record as the number that it was; a text that is none stays as it is. */
function idOf(key: string): unknown {
  return String(Number(key)) === key ? Number(key) : key;
}

function readOrder(value: unknown): readonly SamplerName[] {
  if (!Array.isArray(value)) throw wrongType('an array of names of samplers', 'order', value);
  value.forEach((name: unknown, index) => {
    checkOneOf(name, `order[${index}]`, samplerNames);
    if (value.indexOf(name) !== index) {
      throw wrongRange('each sampler once at most', 'order', `${name} twice`);
    }
  });
  return Object.freeze([...(value as SamplerName[])]);
}

function show(name: string, value: unknown): string {
  if (value === undefined) return 'random';
  if (value instanceof Map) {
    return [...value].map(([token, bias]) => `${token} ${bias}`).join(', ') || 'none';
  }
  if (name === 'order') return (value as string[]).join(', ') || 'none';
  if (Array.isArray(value)) return inspect(value, { breakLength: Infinity, maxArrayLength: null });
  return String(value);
}
