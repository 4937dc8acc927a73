// Rotary positions (RoPE): their options, and the extension of contexts beyond the training size.
// `lib/context/context-options.ts` reads the options; `lib/llama-session.ts` warns of large scales.

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

/** A method of scaling rotary positions (RoPE), as llama.cpp names it. */
export type RopeScaling = (typeof scalings)[number];

/** A context's RoPE parameters. */
export interface RopeOptions {
  /**
   * The RoPE frequency base. Default: the model's own, except beyond the training context if no
   * other RoPE option is set: `base · (contextSize / trainContextSize) ** 2 ** 0.25`.
   */
  ropeFrequencyBase?: number | undefined;
  /**
   * The factor that positions are multiplied by. Default: the model's own; with `'linear'` or
   * `'yarn'` beyond the training context, the model's own divided by
   * `contextSize / trainContextSize`, or `yarnOrigCtx / contextSize` if that is set.
   */
  ropeFrequencyScale?: number | undefined;
  /**
   * The scaling method. Default: the model's own. `'none'` allows no `ropeFrequencyScale`;
   * `'longrope'` requires a model that was trained with it.
   */
  ropeScaling?: RopeScaling | undefined;
  /** YaRN's extrapolation mix factor, 0 for none. Default 1, or the model's own. */
  yarnExtFactor?: number | undefined;
  /** YaRN's attention factor; only with a `yarnExtFactor` of 0. Default 1. */
  yarnAttnFactor?: number | undefined;
  /** YaRN: rotations above which nothing is interpolated. Default 32, or the model's own. */
  yarnBetaFast?: number | undefined;
  /** YaRN: rotations below which everything is interpolated. Default 1, or the model's own. */
  yarnBetaSlow?: number | undefined;
  /** YaRN: the context size before the extension. Default: the model's own. */
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

/** The context size and RoPE parameters that a model was trained with. */
export interface RopeTraining {
  trainContextSize: number;
  /** Undefined if the model does not use RoPE. */
  ropeFrequencyBaseTrain: number | undefined;
  ropeFrequencyScaleTrain: number | undefined;
  ropeScalingTrain: string | undefined;
}

/** RoPE parameters as native code takes them. */
export type RopeRequest = Pick<NativeSessionOptions, (typeof ropeOptionNames)[number]>;

/** For a model that is not loaded yet. */
const unknownTraining: RopeTraining = {
  trainContextSize: 0,
  ropeFrequencyBaseTrain: undefined,
  ropeFrequencyScaleTrain: undefined,
  ropeScalingTrain: undefined,
};

/** Whether any option is set; 0 means unset. */
const hasRopeOptions = (options: RopeOptions): boolean =>
  ropeOptionNames.some((name) => options[name] !== undefined && options[name] !== 0);

/** The context size relative to the training context; 0 if the latter is unknown. */
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
  // Options that the engine would ignore are rejected.
  for (const name of ropeOptionNames.filter((each) => each.startsWith('yarn'))) {
    if (options[name] === undefined) continue;
    if (options.ropeScaling !== 'yarn') {
      throw wrongType(`'yarn' with ${name}`, 'ropeScaling', options.ropeScaling);
    }
    const withoutExtension = name === 'yarnAttnFactor';
    if (name === 'yarnExtFactor' || withoutExtension === (yarnExtFactor === 0)) continue;
    const required = withoutExtension ? '0' : 'a number above 0';
    throw wrongRange(`${required} with ${name}`, 'yarnExtFactor', options.yarnExtFactor);
  }
  return {
    yarnExtFactor,
    yarnAttnFactor: readFactor(options.yarnAttnFactor, 'yarnAttnFactor', -1),
    yarnBetaFast: readFactor(options.yarnBetaFast, 'yarnBetaFast', -1),
    yarnBetaSlow: readFactor(options.yarnBetaSlow, 'yarnBetaSlow', -1),
    yarnOrigCtx: checkInteger(options.yarnOrigCtx ?? 0, 'yarnOrigCtx', 0),
  };
}

/** The frequency scale that maps the context onto the training context; 0 for the model's own. */
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

/** The frequency base for a context longer than the training context; 0 for the model's own. */
function baseFor(contextSize: number, training: RopeTraining): number {
  const scale = contextScaleOf(contextSize, training.trainContextSize);
  const base = training.ropeFrequencyBaseTrain;
  return base === undefined || scale <= 1 ? 0 : Math.fround(base * scale ** (2 ** 0.25));
}

/**
 * Validates the options and fills in the defaults. Throws TypeError or RangeError.
 *
 * @param training the model's; undefined if unknown
 */
export function readRopeOptions(
  options: RopeOptions,
  contextSize: number,
  training: RopeTraining = unknownTraining,
): RopeRequest {
  const ropeScaling =
    options.ropeScaling === undefined
      ? 'model'
      : checkOneOf(options.ropeScaling, 'ropeScaling', scalings);
  const base = readFactor(options.ropeFrequencyBase, 'ropeFrequencyBase', 0);
  const scale = readFactor(options.ropeFrequencyScale, 'ropeFrequencyScale', 0);
  const yarn = readYarn(options);
  if (ropeScaling === 'none' && scale !== 0) {
    throw wrongRange("no value with ropeScaling 'none'", 'ropeFrequencyScale', scale);
  }
  const trained = training.ropeScalingTrain;
  if (ropeScaling === 'longrope' && training !== unknownTraining && trained !== 'longrope') {
    throw wrongRange(
      "'none', 'linear' or 'yarn' (the model was not trained with 'longrope')",
      'ropeScaling',
      ropeScaling,
    );
  }
  return {
    ropeScaling,
    ropeFrequencyBase: base || (hasRopeOptions(options) ? 0 : baseFor(contextSize, training)),
    ropeFrequencyScale:
      scale || scaleFor(options.ropeScaling, contextSize, yarn.yarnOrigCtx, training),
    ...yarn,
  };
}

/** The smallest context scale that causes a warning. */
const minWarnScale = 2;

/** The quality to expect at a context scale. */
export function qualityAt(contextScale: number): 'good' | 'fair' | 'poor' | 'bad' | 'terrible' {
  if (contextScale < 1.5) return 'good';
  if (contextScale < 2) return 'fair';
  if (contextScale < 4) return 'poor';
  return contextScale < 8 ? 'bad' : 'terrible';
}

/** Warns of a context much longer than the training context, unless RoPE options are set. */
export function warnOfScale(
  options: RopeOptions,
  contextSize: number,
  { trainContextSize, ropeFrequencyBaseTrain }: RopeTraining,
): void {
  const scale = contextScaleOf(contextSize, trainContextSize);
  if (scale < minWarnScale || hasRopeOptions(options)) return;
  const times = Math.round(scale * 100) / 100;
  warn(
    'AUTOCOG_CONTEXT_SCALE',
    `A contextSize of ${contextSize} is ${times} times the ${trainContextSize} tokens that the ` +
      `model was trained on: expect ${qualityAt(scale)} quality`,
    ropeFrequencyBaseTrain === undefined
      ? 'The model does not use RoPE, so there is no frequency base to raise.'
      : 'The RoPE frequency base was raised. Set ropeFrequencyBase, ropeFrequencyScale or ' +
          'ropeScaling to choose another method and silence this warning.',
  );
}
