// Maps sampler settings to request fields, and refuses those that the API cannot express.
// `remote-completion.ts` calls it, and `request-body.ts` sends the fields.

import { wrongRange } from '../../common/arguments.js';
import { NotSupportedError } from '../../common/errors.js';
import {
  type SamplerOptions,
  SamplerSettings,
  samplerNames,
} from '../../sampling/sampler-settings.js';

/**
 * A sampler as the caller gave it: settings that plain options do not name are left to the server.
 */
export type GivenSampler = SamplerSettings | SamplerOptions | undefined;

/** A sampler as request fields. */
export interface RemoteSampling {
  /** Fields of the request. */
  fields: Readonly<Record<string, unknown>>;
  /** Whether the caller set the temperature. */
  isTemperatureExplicit: boolean;
  /** The given seed, if sampling is random. */
  seed: number | undefined;
}

/** Neutral values for the settings that plain options do not name. */
const neutral = { topK: 0, topP: 1, minP: 0 } as const satisfies SamplerOptions;

const maxBias = 100;

/**
 * The request fields for a sampler.
 *
 * @param temperature the default if the sampler does not set one
 * @throws NotSupportedError
 */
export function samplingOf(given: GivenSampler, temperature: number | undefined): RemoteSampling {
  const named = given ?? {};
  const isChosen = named.temperature !== undefined || temperature !== undefined;
  const settings =
    given instanceof SamplerSettings
      ? given
      : new SamplerSettings({
          ...neutral,
          temperature: temperature ?? 0,
          ...definedOptions(named),
        });
  // Truncation samplers do not matter for greedy decoding.
  const isRandom = settings.hasChance;
  if (isRandom) refuseTruncation(settings);
  else refuseReshaping(settings);
  const { topP, frequencyPenalty, presencePenalty, logitBias, seed } = settings;
  const fields: Record<string, unknown> = { temperature: isRandom ? settings.temperature : 0 };
  if (isRandom && topP < 1) fields.top_p = topP;
  if (frequencyPenalty !== 0) fields.frequency_penalty = frequencyPenalty;
  if (presencePenalty !== 0) fields.presence_penalty = presencePenalty;
  if (logitBias.size > 0) fields.logit_bias = biasOf(logitBias);
  if (seed !== undefined) fields.seed = seed;
  return { fields, isTemperatureExplicit: isChosen, seed: isRandom ? seed : undefined };
}

/** The options whose values are not undefined. */
const definedOptions = (options: object): SamplerOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

function refuse(name: string): never {
  throw new NotSupportedError(
    `The API does not support the sampler setting ${name}: pass the server's own field in the option extraBody`,
  );
}

/** Settings that matter even for greedy decoding. */
function refuseReshaping(settings: SamplerSettings): void {
  if (settings.mirostat !== 0) refuse('mirostat');
  if (settings.repeatPenalty !== 1) refuse('repeatPenalty');
  if (settings.dryMultiplier > 0) refuse('dryMultiplier');
  if (settings.typicalP < 1) refuse('typicalP');
  if (settings.dynamicTemperatureRange > 0) refuse('dynamicTemperatureRange');
}

function refuseTruncation(settings: SamplerSettings): void {
  refuseReshaping(settings);
  if (settings.topK > 0) refuse('topK');
  if (settings.minP > 0) refuse('minP');
  if (settings.topNSigma > 0) refuse('topNSigma');
  if (settings.xtcProbability > 0) refuse('xtcProbability');
  if (settings.minKeep > 0) refuse('minKeep');
  if (settings.temperature === Infinity) refuse('temperature Infinity');
  if (`${settings.order}` !== `${samplerNames}`) refuse('order');
}

/** The API limits biases to ±100; −100 effectively bans a token. */
function biasOf(bias: ReadonlyMap<number, number>): Record<string, number> {
  const entries = [...bias].map(([token, amount]): [string, number] => {
    if (amount === -Infinity) return [`${token}`, -maxBias];
    if (Math.abs(amount) <= maxBias) return [`${token}`, amount];
    throw wrongRange(`a number from -${maxBias} to ${maxBias}`, `logitBias[${token}]`, amount);
  });
  return Object.fromEntries(entries);
}
