// The options and the result of `complete`, and the reading of the former. GreedyLM uses it.

import { checkInteger, checkOptions, checkSignal, checkString, wrongRange } from './arguments.js';
import type { CallOptions } from './call-options.js';
import type { Cost } from './usage.js';

/** What an LM may set once for all its completions. */
export interface CompletionDefaults {
  /** Most tokens to generate. Default 128. */
  maxTokens?: number | undefined;
  /** Text that ends the completion, which is cut before it. Default none. */
  stop?: string | readonly string[] | undefined;
}

/** Options of `complete`. */
export interface CompleteOptions extends CompletionDefaults, CallOptions {}

/** What `complete` gives. */
export interface Completion extends Cost {
  /** The text up to the earliest stop string. */
  text: string;
  /** Every token that was generated, those of a stop string included; no end-of-generation token. */
  tokens: Int32Array;
  /** One natural log-probability per token. */
  logprobs: Float64Array;
  /** Their sum. */
  logprob: number;
  /** An end-of-generation token, a stop string, or `maxTokens` (or the context) used up. */
  stopReason: 'eog' | 'stop' | 'length';
}

/** What {@link readCompleteOptions} makes of the options: every field present and checked. */
export interface CompletionRequest {
  maxTokens: number;
  stops: string[];
  signal: AbortSignal | undefined;
}

const defaultMaxTokens = 128;

function readStops(value: unknown, name: string): string[] {
  const list: unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value];
  return list.map((item, index) => {
    const itemName = Array.isArray(value) ? `${name}[${index}]` : name;
    const text = checkString(item, itemName);
    if (text === '') throw wrongRange('a string of at least one character', itemName, text);
    return text;
  });
}

/** Checks the defaults that an LM was made with; throws TypeError or RangeError. */
export function readCompletionDefaults(
  value: CompletionDefaults | undefined,
): Omit<CompletionRequest, 'signal'> {
  const { maxTokens, stop } = checkOptions(value, 'completion', ['maxTokens', 'stop']);
  return {
    maxTokens: checkInteger(maxTokens ?? defaultMaxTokens, 'completion.maxTokens', 1),
    stops: readStops(stop, 'completion.stop'),
  };
}

/** Checks the options of one `complete`; throws TypeError or RangeError. */
export function readCompleteOptions(
  value: CompleteOptions | undefined,
  defaults: Omit<CompletionRequest, 'signal'>,
): CompletionRequest {
  const options = checkOptions(value, 'options', ['maxTokens', 'stop', 'signal']);
  return {
    maxTokens: checkInteger(options.maxTokens ?? defaults.maxTokens, 'maxTokens', 1),
    stops: options.stop === undefined ? defaults.stops : readStops(options.stop, 'stop'),
    signal: checkSignal(options.signal, 'signal'),
  };
}
