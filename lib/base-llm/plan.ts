// What the options mean for a generation, independent of the LM: greedy, sampled, or a beam search,
// and with which limits. Combinations without a meaning are refused rather than ignored. LocalLLM
// makes a plan for each call.

import { wrongRange } from '../common/arguments.js';
import { NotSupportedError } from '../common/errors.js';
import type { BeamOptions } from '../generation/beam-options.js';
import type { CompleteOptions } from '../generation/completion-options.js';
import type { SamplerOptions } from '../sampling/sampler-settings.js';
import type { Settings } from './options.js';

/** How to generate. */
export interface Plan {
  /** Undefined: the LM's default, or as many as `maxLength` leaves room for. */
  maxTokens: number | undefined;
  maxLength: number | undefined;
  /** Undefined: the LM's default. */
  sampler: SamplerOptions | undefined;
  /** The options of the beam search; undefined for none. */
  beams:
    | Pick<BeamOptions, 'beams' | 'returnSequences' | 'lengthPenalty' | 'earlyStopping'>
    | undefined;
  /** How many texts to generate for one prompt. */
  sequences: number;
  stops: (string | number)[];
  bosToken: number | undefined;
}

const refuse = (message: string): never => {
  throw new NotSupportedError(message);
};

/**
 * The plan of these options.
 *
 * @throws NotSupportedError for options that have no effect together; RangeError for more sequences
 * than beams, and for sampling with a temperature of 0
 */
export function planOf(settings: Settings): Plan {
  const { maxTokens, maxLength, stopToken, eosTokenId, bosTokenId, numBeams = 1 } = settings;
  if (settings.padTokenId !== undefined) {
    refuse('padTokenId has no effect: the prompts of a batch are not padded');
  }
  const sampler = samplerOf(settings);
  const sequences = settings.numReturnSequences ?? 1;
  if (numBeams === 1 && sequences > 1 && !isSampled(settings)) {
    refuse(
      'numReturnSequences above 1 needs sampling or numBeams: a greedy text is always the same',
    );
  }
  return {
    maxTokens,
    maxLength,
    sampler,
    beams: beamsOf(settings, sequences),
    sequences,
    stops: [stopToken, eosTokenId].filter((stop) => stop !== undefined),
    bosToken: bosTokenId,
  };
}

/** The options of `complete` that do not depend on the prompt. */
export function completionOf({ maxTokens, sampler, stops }: Plan): CompleteOptions {
  return {
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(sampler === undefined ? {} : { sampler }),
    ...(stops.length === 0 ? {} : { stop: stops }),
  };
}

/** Whether tokens are sampled: if `doSample` says so, or else if an option of sampling is set. */
function isSampled({ doSample, temperature, topK, topP, seed }: Settings): boolean {
  if (doSample !== undefined) return doSample;
  if (temperature !== undefined) return temperature > 0;
  return topK !== undefined || topP !== undefined || seed !== undefined;
}

/** The penalties that are set, as sampler options. */
function penaltiesOf(settings: Settings): SamplerOptions {
  const { frequencyPenalty, presencePenalty, repetitionPenalty } = settings;
  return {
    ...(frequencyPenalty === undefined ? {} : { frequencyPenalty }),
    ...(presencePenalty === undefined ? {} : { presencePenalty }),
    ...(repetitionPenalty === undefined ? {} : { repeatPenalty: repetitionPenalty }),
  };
}

/** What is not set is off, so that every option that takes effect is one that the caller set. */
function samplerOf(settings: Settings): SamplerOptions | undefined {
  const { doSample, temperature, topK = 0, topP = 1, seed } = settings;
  const penalties = penaltiesOf(settings);
  if (!isSampled(settings)) {
    const isChosen = doSample === false || temperature === 0 || Object.keys(penalties).length > 0;
    return isChosen ? { temperature: 0, ...penalties } : undefined;
  }
  if (temperature === 0) throw wrongRange('a number above 0, with doSample,', 'temperature', 0);
  const sampling = { temperature: temperature ?? 1, topK, topP, minP: 0, ...penalties };
  return seed === undefined ? sampling : { ...sampling, seed };
}

function beamsOf(settings: Settings, sequences: number): Plan['beams'] {
  const { numBeams = 1, lengthPenalty, earlyStopping, stopToken } = settings;
  if (numBeams === 1) {
    const name = lengthPenalty === undefined ? 'earlyStopping' : 'lengthPenalty';
    if (settings[name] !== undefined)
      refuse(`${name} has no effect without numBeams of at least 2`);
    return undefined;
  }
  if (isSampled(settings)) refuse('A beam search does not sample: set doSample to false');
  const [penalty] = Object.keys(penaltiesOf(settings));
  if (penalty !== undefined) refuse(`A beam search does not support the ${penalty}`);
  if (typeof stopToken === 'number') refuse('A beam search does not support the id of a stopToken');
  if (sequences > numBeams) {
    throw wrongRange(`at most numBeams, ${numBeams},`, 'numReturnSequences', sequences);
  }
  return {
    beams: numBeams,
    returnSequences: sequences,
    ...(lengthPenalty === undefined ? {} : { lengthPenalty }),
    ...(earlyStopping === undefined ? {} : { earlyStopping }),
  };
}
