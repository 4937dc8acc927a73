// What completions and chats both take: how tokens are sampled, what ends a text, how many are
// written. Fields of OpenAI's, and of llama.cpp's server for what OpenAI has none for.

import { checkInteger, checkNumber, wrongRange } from '../../common/arguments.js';
import type { CompleteOptions } from '../../generation/completion-options.js';
import { jsonSchemaToGrammar } from '../../grammar/grammar.js';
import type { Model } from '../../model/model.js';
import { type SamplerOptions, SamplerSettings } from '../../sampling/sampler-settings.js';
import { Fields, flag, integer, list, object, type Reader, text } from '../http/fields.js';
import { badField, HttpError } from '../http/http-error.js';
import { tokenIds } from './prompts.js';

/** Most answers to one prompt. */
const mostAnswers = 128;
/** Most of the likeliest tokens that are told in one place. */
const mostAlternatives = 1000;

/** Most alternatives in all of an answer: some 50 MB of JSON. */
const mostTold = 2 ** 20;

/** The settings that are a number, by the name of their field. */
const settings = {
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

/** As OpenAI's API: the model's own distribution, unless something is said. */
const usual: SamplerOptions = { temperature: 1, topP: 1, topK: 0, minP: 0 };

/** How answers are to be written. */
export interface WritingRequest {
  /** Answers per prompt. */
  n: number;
  stream: boolean;
  /** Whether the last event of a stream tells the cost. */
  includeUsage: boolean;
  sampler: SamplerSettings;
  stop: (string | number)[];
  /** GBNF; undefined for none. */
  grammar: string | undefined;
}

/** Reads these fields. */
export function readWriting(fields: Fields, model: Model): WritingRequest {
  const stream = fields.get('stream', flag) ?? false;
  const stops = fields.get('stop', readStop) ?? [];
  const stopTokens = fields.get('stop_token_ids', tokenIds(model.vocab.size)) ?? [];
  // Who asks, which nothing depends on.
  fields.get('user', text);
  return {
    n: fields.get('n', integer(1, mostAnswers)) ?? 1,
    stream,
    includeUsage: readStreamOptions(fields, stream),
    sampler: readSampler(fields, model.vocab.size),
    stop: [...stops, ...stopTokens],
    grammar: readGrammar(fields, model),
  };
}

/** The options of the LM that say the same, whatever its own defaults are. */
export function completeOptions({ sampler, stop, grammar }: WritingRequest): CompleteOptions {
  const options = { sampler, stop, includeStop: false, contextShift: false };
  return grammar === undefined ? options : { ...options, grammar };
}

function readSampler(fields: Fields, vocabularySize: number): SamplerSettings {
  const options: SamplerOptions = { ...usual };
  for (const [field, setting] of Object.entries(settings)) {
    const value = fields.get(field, (given, name) => {
      checkSetting(setting, given, name);
      return given as number;
    });
    if (value !== undefined) Object.assign(options, { [setting]: value });
  }
  const seed = fields.get('seed', integer(-1, 2 ** 32 - 1));
  const logitBias = fields.get('logit_bias', readBias(vocabularySize));
  return new SamplerSettings({
    ...options,
    // As in llama.cpp's server, −1 leaves it to chance.
    ...(seed === undefined || seed < 0 ? {} : { seed }),
    ...(logitBias === undefined ? {} : { logitBias }),
  });
}

/** Has the settings check a value, and complain of it by the field's name. */
function checkSetting(setting: keyof SamplerOptions, value: unknown, name: string): void {
  try {
    new SamplerSettings({ [setting]: value });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    error.message = error.message.replace(`for ${setting}`, `for ${name}`);
    throw error;
  }
}

const readBias =
  (vocabularySize: number): Reader<Record<number, number>> =>
  (value, name) => {
    const entries = Object.entries(object(value, name)).map(([key, bias]) => {
      const id = /^\d{1,10}$/.test(key) ? Number(key) : Number.NaN;
      if (!(id < vocabularySize)) throw badField('token ids as keys', name, key);
      const amount = checkNumber(bias, `${name}.${key}`, -1e9);
      if (amount > 1e9) throw wrongRange('a number of at most 1e9', `${name}.${key}`, amount);
      return [id, amount];
    });
    return Object.fromEntries(entries) as Record<number, number>;
  };

const readStop: Reader<string[]> = (value, name) => {
  const stops = typeof value === 'string' ? [value] : list(text)(value, name);
  const empty = stops.indexOf('');
  if (empty >= 0) throw badField('texts of at least one character', name, stops[empty]);
  return stops;
};

function readStreamOptions(fields: Fields, stream: boolean): boolean {
  const given = fields.get('stream_options', object);
  if (given === undefined) return false;
  if (!stream) throw badField('nothing, without stream,', 'stream_options', given);
  const options = new Fields(given, 'stream_options', 'stream_options.');
  const includeUsage = options.get('include_usage', flag) ?? false;
  options.finish();
  return includeUsage;
}

/** The grammar of whichever field asks for one; each is checked against the vocabulary. */
function readGrammar(fields: Fields, model: Model): string | undefined {
  const given = [
    fields.get('grammar', (value, name) => {
      const grammar = readGbnf(value, name);
      model.checkGrammar(grammar);
      return grammar;
    }),
    fields.get('json_schema', toGrammar),
    fields.get('response_format', readFormat),
  ].filter((grammar) => grammar !== undefined);
  if (given.length > 1) {
    const message = 'Expected one of grammar, json_schema and response_format, got several';
    throw new HttpError(400, message, { param: 'grammar', code: 'invalid_value' });
  }
  return given[0];
}

const readGbnf: Reader<string> = (value, name) => {
  const grammar = text(value, name);
  if (grammar.trim() === '') throw badField('a GBNF grammar with a rule', name, grammar);
  return grammar;
};

const toGrammar: Reader<string> = (value) => jsonSchemaToGrammar(value as object | boolean);

const readFormat: Reader<string | undefined> = (value, name) => {
  const format = new Fields(value, name, `${name}.`);
  const type = format.need('type', text);
  if (type === 'json_schema') {
    const wanted = new Fields(format.need('json_schema', object), name, `${name}.json_schema.`);
    // A name and a description are for people; what is strict here is strict always.
    wanted.get('name', text);
    wanted.get('description', text);
    wanted.get('strict', flag);
    const grammar = wanted.need('schema', toGrammar);
    wanted.finish();
    format.finish();
    return grammar;
  }
  format.finish();
  if (type === 'json_object') return jsonSchemaToGrammar({ type: 'object' });
  if (type === 'text') return undefined;
  throw badField("'text', 'json_object' or 'json_schema'", `${name}.type`, type);
};

/** Reads how many of the likeliest tokens to tell. */
export const alternatives: Reader<number> = (value, name) =>
  checkInteger(value, name, 0, mostAlternatives);

/** Refuses an answer of so many tokens, each with alternatives, that nobody could hold it. */
export function checkTold(tokens: number, count: number, field: string): void {
  if (tokens * count <= mostTold) return;
  const most = Math.floor(mostTold / tokens);
  throw badField(`at most ${most} alternatives for each of ${tokens} tokens`, field, count);
}
