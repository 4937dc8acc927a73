// Fields shared by completions and chat completions: sampling, stop conditions, grammars and the
// number of completions. Names are OpenAI's, or those of llama.cpp's server where OpenAI has none.

import { checkInteger, checkNumber, wrongRange } from '../../common/arguments.js';
import type { CompleteOptions } from '../../generation/completion-options.js';
import type { Model } from '../../model/model.js';
import { type SamplerOptions, SamplerSettings } from '../../sampling/sampler-settings.js';
import { Fields, flag, integer, list, object, type Reader, text } from '../http/fields.js';
import { blameArgument, invalidField } from '../http/http-error.js';
import { type GrammarField, readGrammar, toGbnf } from './grammar-field.js';
import { tokenIds } from './prompts.js';

/** Limit on `n`. */
const maxCompletionsPerPrompt = 128;

/** Limit on the top tokens per position. */
const maxAlternatives = 1000;

/** Limit on the top tokens in one response: about 50 MB of JSON. */
const maxReportedAlternatives = 2 ** 20;

/** Sampler options by the name of their request field. */
const samplerFields = {
  temperature: 'temperature',
  top_p: 'topP',
  frequency_penalty: 'frequencyPenalty',
  presence_penalty: 'presencePenalty',
  top_k: 'topK',
  min_p: 'minP',
  typical_p: 'typicalP',
  top_n_sigma: 'topNSigma',
  repeat_penalty: 'repeatPenalty',
  repeat_last_n: 'penaltyLastN',
  dynatemp_range: 'dynamicTemperatureRange',
  dynatemp_exponent: 'dynamicTemperatureExponent',
  dry_multiplier: 'dryMultiplier',
  dry_base: 'dryBase',
  dry_allowed_length: 'dryAllowedLength',
  dry_penalty_last_n: 'dryPenaltyLastN',
  dry_sequence_breakers: 'drySequenceBreakers',
  xtc_probability: 'xtcProbability',
  xtc_threshold: 'xtcThreshold',
  mirostat: 'mirostat',
  mirostat_tau: 'mirostatTau',
  mirostat_eta: 'mirostatEta',
  min_keep: 'minKeep',
} as const satisfies Record<string, keyof SamplerOptions>;

/** OpenAI's defaults: the model's own distribution. */
const defaults: SamplerOptions = { temperature: 1, topP: 1, topK: 0, minP: 0 };

/** Parsed generation settings. */
export interface GenerationRequest {
  /** Completions per prompt. */
  n: number;
  stream: boolean;
  /** Whether the last event of a stream reports usage. */
  includeUsage: boolean;
  sampler: SamplerSettings;
  stop: (string | number)[];
  /** Undefined for none. */
  grammar: GrammarField | undefined;
}

/** Parses these fields. */
export function readGeneration(fields: Fields, model: Model): GenerationRequest {
  const stream = fields.get('stream', flag) ?? false;
  const stops = fields.get('stop', readStop) ?? [];
  const stopTokens = fields.get('stop_token_ids', tokenIds(model.vocab.size)) ?? [];
  // Accepted but unused: nothing depends on the user.
  fields.get('user', text);
  return {
    n: fields.get('n', integer(1, maxCompletionsPerPrompt)) ?? 1,
    stream,
    includeUsage: readStreamOptions(fields, stream),
    sampler: readSampler(fields, model.vocab.size),
    stop: [...stops, ...stopTokens],
    grammar: readGrammar(fields),
  };
}

/** The LM options for a request. They override the LM's own defaults. */
export async function completeOptions(
  { sampler, stop, grammar: field }: GenerationRequest,
  model: Model,
  signal: AbortSignal,
): Promise<CompleteOptions> {
  const options = { sampler, stop, includeStop: false, contextShift: false };
  const grammar = await toGbnf(field, model, signal);
  return grammar === undefined ? options : { ...options, grammar };
}

function readSampler(fields: Fields, vocabularySize: number): SamplerSettings {
  const options: SamplerOptions = { ...defaults };
  for (const [field, setting] of Object.entries(samplerFields)) {
    const value = fields.get(field, (raw, name) => {
      checkSetting(setting, raw, name);
      return raw as number;
    });
    if (value !== undefined) Object.assign(options, { [setting]: value });
  }
  const seed = fields.get('seed', integer(-1, 2 ** 32 - 1));
  const logitBias = fields.get('logit_bias', readBias(vocabularySize));
  return new SamplerSettings({
    ...options,
    // As in llama.cpp's server, −1 selects a random seed.
    ...(seed === undefined || seed < 0 ? {} : { seed }),
    ...(logitBias === undefined ? {} : { logitBias }),
  });
}

/** Validates a sampler option; errors name the request field instead of the option. */
function checkSetting(setting: keyof SamplerOptions, value: unknown, name: string): void {
  try {
    new SamplerSettings({ [setting]: value });
  } catch (error) {
    throw blameArgument(error, (argument) => argument?.replace(setting, name) ?? name);
  }
}

const readBias =
  (vocabularySize: number): Reader<Record<number, number>> =>
  (value, name) => {
    const entries = Object.entries(object(value, name)).map(([key, bias]) => {
      const id = /^\d{1,10}$/.test(key) ? Number(key) : Number.NaN;
      if (!(id < vocabularySize)) throw invalidField('token ids as keys', name, key);
      const amount = checkNumber(bias, `${name}.${key}`, -1e9);
      if (amount > 1e9) throw wrongRange('a number of at most 1e9', `${name}.${key}`, amount);
      return [id, amount];
    });
    return Object.fromEntries(entries) as Record<number, number>;
  };

const readStop: Reader<string[]> = (value, name) => {
  const stops = typeof value === 'string' ? [value] : list(text)(value, name);
  const empty = stops.indexOf('');
  if (empty >= 0) {
    const at = typeof value === 'string' ? name : `${name}[${empty}]`;
    throw invalidField('a non-empty string', at, '');
  }
  return stops;
};

function readStreamOptions(fields: Fields, stream: boolean): boolean {
  const given = fields.get('stream_options', object);
  if (given === undefined) return false;
  if (!stream) throw invalidField('no value without stream', 'stream_options', given);
  const options = new Fields(given, 'stream_options', 'stream_options.');
  const includeUsage = options.get('include_usage', flag) ?? false;
  options.finish();
  return includeUsage;
}

/** Reads the number of top tokens to report per position. */
export const alternatives: Reader<number> = (value, name) =>
  checkInteger(value, name, 0, maxAlternatives);

/** Rejects requests whose responses would hold more than {@link maxReportedAlternatives}. */
export function checkAlternatives(tokens: number, count: number, field: string): void {
  if (tokens * count <= maxReportedAlternatives) return;
  const most = Math.floor(maxReportedAlternatives / tokens);
  throw invalidField(`at most ${most} alternatives for each of ${tokens} tokens`, field, count);
}
