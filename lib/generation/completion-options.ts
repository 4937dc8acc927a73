// The options of `complete` and `stream`, and their reading.

import {
  checkBoolean,
  checkInteger,
  checkOptions,
  checkSignal,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import type { CompletionChunk } from '../common/completion.js';
import { jsonSchemaToGrammar } from '../grammar/grammar.js';
import { type SamplerOptions, SamplerSettings } from '../sampling/sampler-settings.js';

/** What an LM may set once for all its completions. */
export interface CompletionDefaults {
  /**
   * Most tokens to generate; `Infinity` for as many as the context has room for. Default: the
   * sampler's, if it has a limit, else 128 or what the context has room for.
   */
  maxTokens?: number | undefined;
  /**
   * Texts and token ids that end the completion. Of texts the one that begins first in what is
   * written counts, wherever tokens begin and end. Default none.
   */
  stop?: string | number | readonly (string | number)[] | undefined;
  /** Whether the text of the stop is a part of the completion's. Default false. */
  includeStop?: boolean | undefined;
  /** How tokens are picked. Default: the likeliest each time. */
  sampler?: SamplerSettings | SamplerOptions | undefined;
  /**
   * What becomes of a context that is full before `maxTokens` are reached: forget the older half
   * of what follows the first `keep` tokens, and go on. Default false: a ContextOverflowError.
   * `true` keeps the beginning-of-sequence token.
   */
  contextShift?: boolean | { keep: number } | undefined;
}

/** Options of `complete` and `stream`. */
export interface CompleteOptions extends CompletionDefaults, CallOptions {
  /** A GBNF grammar with the start symbol `root`: only what it derives is written. */
  grammar?: string | undefined;
  /** A JSON Schema, instead of a grammar: only JSON that fits it is written. */
  jsonSchema?: object | boolean | undefined;
  /** Tell so many of the likeliest tokens for each one, as the model has them. Default 0. */
  topLogprobs?: number | undefined;
  /** Called with each token, in order. What it throws rejects the call; `false` ends the text there. */
  onToken?: ((chunk: CompletionChunk) => unknown) | undefined;
  /** Resolve with what was written when the signal aborts. Default false: reject with its reason. */
  stopOnAbort?: boolean | undefined;
}

/** What {@link readCompleteOptions} makes of the options: every field present and checked. */
export interface CompletionRequest {
  /** May be Infinity. */
  maxTokens: number;
  /** Whether somebody chose `maxTokens`, so that a context too small for it is an error. */
  isChosen: boolean;
  stops: string[];
  stopTokens: number[];
  includeStop: boolean;
  /** Undefined: the likeliest token each time. */
  sampler: SamplerSettings | undefined;
  /** Empty for none. */
  grammar: string;
  /** Tokens of the prompt to keep when the context shifts; −1 for the model's own beginning. */
  contextShift: { keep: number } | undefined;
  topLogprobs: number;
  onToken: ((chunk: CompletionChunk) => unknown) | undefined;
  stopOnAbort: boolean;
  signal: AbortSignal | undefined;
}

type Defaults = Partial<
  Pick<
    CompletionRequest,
    'maxTokens' | 'stops' | 'stopTokens' | 'includeStop' | 'sampler' | 'contextShift'
  >
>;

/** The names of {@link CompletionDefaults}. */
export const completionDefaultNames = [
  'maxTokens',
  'stop',
  'includeStop',
  'sampler',
  'contextShift',
] as const satisfies (keyof CompletionDefaults)[];

/** The names of {@link CompleteOptions}. */
export const completeOptionNames = [
  ...completionDefaultNames,
  'grammar',
  'jsonSchema',
  'topLogprobs',
  'onToken',
  'stopOnAbort',
  'signal',
] as const satisfies (keyof CompleteOptions)[];

const defaultMaxTokens = 128;

/** A count of at least 1, or Infinity. */
export function readMaxTokens(value: unknown, name: string): number {
  return value === Infinity ? Infinity : checkInteger(value, name, 1);
}

function readStops(value: unknown, name: string): { stops: string[]; stopTokens: number[] } {
  const stops: string[] = [];
  const stopTokens: number[] = [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  list.forEach((item, index) => {
    const itemName = Array.isArray(value) ? `${name}[${index}]` : name;
    if (item === '') throw wrongRange('a string of at least one character', itemName, item);
    if (typeof item === 'string') stops.push(item);
    else if (typeof item === 'number') stopTokens.push(checkInteger(item, itemName, 0));
    else throw wrongType('a string or a token id', itemName, item);
  });
  return { stops, stopTokens };
}

function readSampler(value: unknown): SamplerSettings {
  return value instanceof SamplerSettings ? value : new SamplerSettings(value as SamplerOptions);
}

function readContextShift(value: unknown, name: string): { keep: number } | undefined {
  if (typeof value === 'boolean') return value ? { keep: -1 } : undefined;
  const { keep } = checkOptions(value as { keep: number }, name, ['keep']);
  return { keep: checkInteger(keep, `${name}.keep`, 0) };
}

function readGrammar({ grammar, jsonSchema }: Partial<CompleteOptions>): string {
  if (jsonSchema !== undefined) {
    if (grammar !== undefined) throw wrongType('a grammar or', 'jsonSchema, not both', jsonSchema);
    return jsonSchemaToGrammar(jsonSchema);
  }
  if (grammar === undefined) return '';
  if (typeof grammar !== 'string') throw wrongType('a string', 'grammar', grammar);
  if (grammar.trim() === '') throw wrongRange('a GBNF grammar with a rule', 'grammar', grammar);
  return grammar;
}

/** Checks the defaults that an LM was made with; throws TypeError or RangeError. */
export function readCompletionDefaults(
  value: CompletionDefaults | undefined,
  name = 'completion.',
): Defaults {
  const given = name === '' ? value : checkOptions(value, 'completion', completionDefaultNames);
  const { maxTokens, stop, includeStop, sampler, contextShift } = given ?? {};
  const read: Defaults = {};
  if (maxTokens !== undefined) read.maxTokens = readMaxTokens(maxTokens, `${name}maxTokens`);
  if (stop !== undefined) Object.assign(read, readStops(stop, `${name}stop`));
  if (includeStop !== undefined) {
    read.includeStop = checkBoolean(includeStop, `${name}includeStop`);
  }
  if (sampler !== undefined) read.sampler = readSampler(sampler);
  if (contextShift !== undefined) {
    read.contextShift = readContextShift(contextShift, `${name}contextShift`);
  }
  return read;
}

/** Checks the options of one completion; throws TypeError or RangeError. */
export function readCompleteOptions(
  value: CompleteOptions | undefined,
  defaults: Defaults,
): CompletionRequest {
  const options = checkOptions(value, 'options', completeOptionNames);
  const own = readCompletionDefaults(options, '');
  const { onToken } = options;
  if (onToken !== undefined && typeof onToken !== 'function') {
    throw wrongType('a function', 'onToken', onToken);
  }
  const sampler = own.sampler ?? defaults.sampler;
  const limit = sampler?.maxTokens ?? 0;
  const chosen =
    own.maxTokens ?? (limit > 0 && limit < Infinity ? limit : undefined) ?? defaults.maxTokens;
  return {
    maxTokens: chosen ?? defaultMaxTokens,
    isChosen: chosen !== undefined && chosen !== Infinity,
    stops: own.stops ?? defaults.stops ?? [],
    stopTokens: own.stopTokens ?? defaults.stopTokens ?? [],
    includeStop: own.includeStop ?? defaults.includeStop ?? false,
    sampler,
    grammar: readGrammar(options),
    contextShift: 'contextShift' in own ? own.contextShift : defaults.contextShift,
    topLogprobs: checkInteger(options.topLogprobs ?? 0, 'topLogprobs', 0),
    onToken,
    stopOnAbort: checkBoolean(options.stopOnAbort ?? false, 'stopOnAbort'),
    signal: checkSignal(options.signal, 'signal'),
  };
}
