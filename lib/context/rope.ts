// How positions are told to a model, and what is done where a context is longer than those it
// was trained on. `lib/context/context-options.ts` reads the options with it, `lib/llama.ts` warns with it.

import {
  checkInteger,
  checkNumber,
  checkOneOf,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import { warn } from '../common/warnings.js';
import type { NativeSessionOptions } from '../native/binding.js';

const scalings = ['none', 'linear', 'yarn', 'longrope'] as const;

/** A way to scale rotary positions (RoPE), as llama.cpp names it. */
export type RopeScaling = (typeof scalings)[number];

/** What a context does with rotary positions. */
export interface RopeOptions {
  /**
   * The base of the rotary frequencies. Default: the model's own; beyond the training context
   * and without any other option of this kind,
   * `base · (contextSize / trainContextSize) ** 2 ** 0.25`.
   */
  ropeFrequencyBase?: number | undefined;
  /**
   * What positions are multiplied by. Default: the model's own; with `'linear'` or `'yarn'` and
   * beyond the training context, as much less as that takes.
   */
  ropeFrequencyScale?: number | undefined;
  /**
   * Default: as the model was trained. `'none'` takes no scale; `'longrope'` takes a model that
   * was trained with it.
   */
  ropeScaling?: RopeScaling | undefined;
  /** With `'yarn'`: how much is extrapolated, 0 for nothing. Default 1, or the model's own. */
  yarnExtFactor?: number | undefined;
  /** With `'yarn'` and a yarnExtFactor of 0: what attention is multiplied by. Default 1. */
  yarnAttnFactor?: number | undefined;
  /** With `'yarn'`: rotations from which nothing is interpolated. Default 32, or the model's own. */
  yarnBetaFast?: number | undefined;
  /** With `'yarn'`: rotations up to which all is interpolated. Default 1, or the model's own. */
  yarnBetaSlow?: number | undefined;
  /** With `'yarn'`: the context before its extension. Default: the model's. */
  yarnOrigCtx?: number | undefined;
}

/** The names of {@link RopeOptions}. */
export const ropeOptionNames = [
  'ropeFrequencyBase',
  'ropeFrequencyScale',
  'ropeScaling',
  'yarnExtFactor',
  'yarnAttnFactor',
  'yarnBetaFast',
  'yarnBetaSlow',
  'yarnOrigCtx',
] as const satisfies (keyof RopeOptions)[];

/** What a model was trained with. */
export interface RopeTraining {
  trainContextSize: number;
  /** Undefined where the model has no rotary positions. */
  ropeFrequencyBaseTrain: number | undefined;
  ropeFrequencyScaleTrain: number | undefined;
  ropeScalingTrain: string | undefined;
}

/** As llama.cpp's options have it. */
export type RopeRequest = Pick<NativeSessionOptions, (typeof ropeOptionNames)[number]>;

/** A model of which nothing is known. */
const unknown: RopeTraining = {
  trainContextSize: 0,
  ropeFrequencyBaseTrain: undefined,
  ropeFrequencyScaleTrain: undefined,
  ropeScalingTrain: undefined,
};

const isGiven = (options: RopeOptions): boolean =>
  ropeOptionNames.some((name) => options[name] !== undefined && options[name] !== 0);

/** How many training contexts a context holds; 0 where that is not known. */
export const contextScaleOf = (contextSize: number, trainContextSize: number): number =>
  trainContextSize > 0 ? contextSize / trainContextSize : 0;

const float32Max = 3.4028234663852886e38;

function readFactor(value: unknown, name: string, fallback: number): number {
  if (value === undefined) return fallback;
  const factor = checkNumber(value, name, 0);
  if (factor > float32Max) throw wrongRange('a single-precision number', name, factor);
  return factor;
}

function readYarn(options: RopeOptions) {
  const yarnExtFactor = readFactor(options.yarnExtFactor, 'yarnExtFactor', -1);
  // What the engine would ignore is refused.
  for (const name of ropeOptionNames.filter((each) => each.startsWith('yarn'))) {
    if (options[name] === undefined) continue;
    if (options.ropeScaling !== 'yarn') {
      throw wrongType(`'yarn' with ${name}`, 'ropeScaling', options.ropeScaling);
    }
    const withoutExtension = name === 'yarnAttnFactor';
    if (name === 'yarnExtFactor' || withoutExtension === (yarnExtFactor === 0)) continue;
    const wanted = withoutExtension ? '0' : 'a number above 0';
    throw wrongRange(`${wanted} with ${name}`, 'yarnExtFactor', options.yarnExtFactor);
  }
  return {
    yarnExtFactor,
    yarnAttnFactor: readFactor(options.yarnAttnFactor, 'yarnAttnFactor', -1),
    yarnBetaFast: readFactor(options.yarnBetaFast, 'yarnBetaFast', -1),
    yarnBetaSlow: readFactor(options.yarnBetaSlow, 'yarnBetaSlow', -1),
    yarnOrigCtx: checkInteger(options.yarnOrigCtx ?? 0, 'yarnOrigCtx', 0),
  };
}

/** The scale that makes a context look like the training one, 0 for the model's own. */
function scaleFor(
  scaling: RopeScaling | undefined,
  contextSize: number,
  yarnOrigCtx: number,
  training: RopeTraining,
): number {
  if (scaling !== 'linear' && scaling !== 'yarn') return 0;
  if (yarnOrigCtx > 0) return Math.min(1, yarnOrigCtx / contextSize);
  const { trainContextSize, ropeFrequencyScaleTrain = 1 } = training;
  if (contextScaleOf(contextSize, trainContextSize) <= 1) return 0;
  return (ropeFrequencyScaleTrain * trainContextSize) / contextSize;
}

/** The base for a longer context than the training one, 0 for the model's own. */
function baseFor(contextSize: number, training: RopeTraining): number {
  const scale = contextScaleOf(contextSize, training.trainContextSize);
  const base = training.ropeFrequencyBaseTrain;
  return base === undefined || scale <= 1 ? 0 : Math.fround(base * scale ** (2 ** 0.25));
}

/**
 * Checks the options and sets the defaults; throws TypeError or RangeError.
 *
 * @param training the model's; undefined where it is not known
 */
export function readRopeOptions(
  options: RopeOptions,
  contextSize: number,
  training: RopeTraining = unknown,
): RopeRequest {
  const ropeScaling =
    options.ropeScaling === undefined
      ? 'model'
      : checkOneOf(options.ropeScaling, 'ropeScaling', scalings);
  const base = readFactor(options.ropeFrequencyBase, 'ropeFrequencyBase', 0);
  const scale = readFactor(options.ropeFrequencyScale, 'ropeFrequencyScale', 0);
  const yarn = readYarn(options);
  if (ropeScaling === 'none' && scale !== 0) {
    throw wrongRange("none, with ropeScaling 'none',", 'ropeFrequencyScale', scale);
  }
  const trained = training.ropeScalingTrain;
  if (ropeScaling === 'longrope' && training !== unknown && trained !== 'longrope') {
    throw wrongRange(
      "'none', 'linear' or 'yarn', as this model knows,",
      'ropeScaling',
      ropeScaling,
    );
  }
  return {
    ropeScaling,
    ropeFrequencyBase: base || (isGiven(options) ? 0 : baseFor(contextSize, training)),
    ropeFrequencyScale:
      scale || scaleFor(options.ropeScaling, contextSize, yarn.yarnOrigCtx, training),
    ...yarn,
  };
}

/** From this scale on a caller is warned. */
const warnFrom = 2;

/** What to expect of a context that is so many times the training context. */
export function qualityAt(contextScale: number): 'good' | 'fair' | 'poor' | 'bad' | 'terrible' {
  if (contextScale < 1.5) return 'good';
  if (contextScale < 2) return 'fair';
  if (contextScale < 4) return 'poor';
  return contextScale < 8 ? 'bad' : 'terrible';
}

/** Warns of a context that is too long for its model, unless the caller chose how to scale it. */
export function warnOfScale(
  options: RopeOptions,
  contextSize: number,
  { trainContextSize, ropeFrequencyBaseTrain }: RopeTraining,
): void {
  const scale = contextScaleOf(contextSize, trainContextSize);
  if (scale < warnFrom || isGiven(options)) return;
  const times = Math.round(scale * 100) / 100;
  warn(
    'AUTOCOG_CONTEXT_SCALE',
    `A contextSize of ${contextSize} is ${times} times the ${trainContextSize} tokens that the ` +
      `model was trained on: expect ${qualityAt(scale)} quality`,
    ropeFrequencyBaseTrain === undefined
      ? 'The model has no rotary positions whose base could be raised.'
      : 'The base of the rotary positions was raised; ropeFrequencyBase, ropeFrequencyScale ' +
          'and ropeScaling choose another way and silence this.',
  );
}
