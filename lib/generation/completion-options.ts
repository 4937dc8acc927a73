// The options of `complete` and `stream` and their validation.

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
import { invalidArgument } from '../common/errors.js';
import { jsonSchemaToGrammar } from '../grammar/grammar.js';
import { type SamplerOptions, SamplerSettings } from '../sampling/sampler-settings.js';

/** The completion options for which an LM may have defaults. */
export interface CompletionDefaults {
  /**
   * Maximum number of tokens to generate; `Infinity`: as many as fit in the context. Default: the
   * sampler's limit if it has one, else 128 or as many as fit in the context.
   */
  maxTokens?: number | undefined;
  /**
   * Stop strings and stop tokens. The stop string that begins first in the generated text counts,
   * regardless of token boundaries. Default none.
   */
  stop?: string | number | readonly (string | number)[] | undefined;
  /** Whether the completion's text includes the stop. Default false. */
  includeStop?: boolean | undefined;
  /** How tokens are sampled. Default: greedy decoding. */
  sampler?: SamplerSettings | SamplerOptions | undefined;
  /**
   * What to do if the context is full before `maxTokens`. With a shift, the older half of the
   * tokens after the first `keep` is discarded and generation continues; `true` keeps the BOS
   * token only. Default false: a ContextOverflowError. An encoder-decoder shifts its decoder's
   * tokens, of which it always keeps the start token.
   */
  contextShift?: boolean | { keep: number } | undefined;
}

/** Options of `complete` and `stream`. */
export interface CompleteOptions extends CompletionDefaults, CallOptions {
  /** A GBNF grammar with the start symbol `root` that constrains the generated text. */
  grammar?: string | undefined;
  /** A JSON Schema, instead of a grammar: the generated text is JSON that conforms to it. */
  jsonSchema?: object | boolean | undefined;
  /** How many of the model's most likely tokens to report for each generated one. Default 0. */
  topLogprobs?: number | undefined;
  /**
   * Called with each token, in order. An exception, or a promise that rejects, rejects the call;
   * `false`, or a promise of it, ends the completion. Generation does not wait for promises; the
   * call does.
   */
  onToken?: ((chunk: CompletionChunk) => unknown) | undefined;
  /**
   * On abort, resolve with the partial completion. Default false: reject with the signal's reason.
   */
  stopOnAbort?: boolean | undefined;
}

/** The options after {@link readCompleteOptions}: complete and checked. */
export interface CompletionRequest {
  /** May be Infinity. */
  maxTokens: number;
  /** Whether `maxTokens` was set explicitly, so that a context too small for it is an error. */
  isChosen: boolean;
  stops: string[];
  stopTokens: number[];
  includeStop: boolean;
  /** Undefined: greedy decoding. */
  sampler: SamplerSettings | undefined;
  /** Empty for none. */
  grammar: string;
  /** Prompt tokens to keep when the context shifts; −1: the BOS token, if the prompt has it. */
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
    if (grammar !== undefined) {
      throw invalidArgument('Expected either grammar or jsonSchema for options, got both');
    }
    return jsonSchemaToGrammar(jsonSchema);
  }
  if (grammar === undefined) return '';
  if (typeof grammar !== 'string') throw wrongType('a string', 'grammar', grammar);
  if (grammar.trim() === '') throw wrongRange('a GBNF grammar with a rule', 'grammar', grammar);
  return grammar;
}

/** Checks an LM's completion defaults; throws TypeError or RangeError. */
export function readCompletionDefaults(
  value: CompletionDefaults | undefined,
  name = 'completion.',
): Defaults {
  const given = name === '' ? value : checkOptions(value, 'completion', completionDefaultNames);
  const { maxTokens, stop, includeStop, sampler, contextShift } = given ?? {};
  const checked: Defaults = {};
  if (maxTokens !== undefined) checked.maxTokens = readMaxTokens(maxTokens, `${name}maxTokens`);
  if (stop !== undefined) Object.assign(checked, readStops(stop, `${name}stop`));
  if (includeStop !== undefined) {
    checked.includeStop = checkBoolean(includeStop, `${name}includeStop`);
  }
  if (sampler !== undefined) checked.sampler = readSampler(sampler);
  if (contextShift !== undefined) {
    checked.contextShift = readContextShift(contextShift, `${name}contextShift`);
  }
  return checked;
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
