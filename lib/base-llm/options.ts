// The options of a BaseLLM and the checks of their values. `settings.ts` keeps them. Which of them
// go together is for `plan.ts`, since only then is it known what generates.

import {
  checkBetween,
  checkBoolean,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptions,
  checkSignal,
  checkString,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import { readMaxTokens } from '../generation/completion-options.js';

/** The options of a BaseLLM. None has a default: what is unset is left to the model or the LM. */
export interface BaseLLMOptions {
  /** The model's name, or the path of its file. */
  modelName?: string | undefined;
  /** Maximum number of tokens to generate; `Infinity`: as many as fit in the context. */
  maxTokens?: number | undefined;
  /** Maximum number of tokens of the prompt and the generated text together. */
  maxLength?: number | undefined;
  /** Divides the logits; 0 is greedy. Above 0, tokens are sampled. */
  temperature?: number | undefined;
  /** Sample from the k most likely tokens; 0: from all. */
  topK?: number | undefined;
  /** Sample from the most likely tokens with this total probability, 0 to 1. */
  topP?: number | undefined;
  /** Sample (true), or take the most likely token (false) whatever the other options. */
  doSample?: boolean | undefined;
  /** Random seed of sampling, 0 to 2^32 − 1. */
  seed?: number | undefined;
  /** Subtracted from a token's logit for each recent occurrence, −1000 to 1000. */
  frequencyPenalty?: number | undefined;
  /** Subtracted from a token's logit if it occurred recently, −1000 to 1000. */
  presencePenalty?: number | undefined;
  /** Divides positive logits of recent tokens and multiplies others, 0.001 to 1000; 1 is off. */
  repetitionPenalty?: number | undefined;
  /** Another spelling of `repetitionPenalty`. */
  repitionPenalty?: number | undefined;
  /** The number of beams of a beam search, 1 to 64; 1: no beam search. */
  numBeams?: number | undefined;
  /** Another name of `numBeams`. */
  beamWidth?: number | undefined;
  /** The number of texts that `sequences` returns. */
  numReturnSequences?: number | undefined;
  /** The exponent of the length that a beam's score is divided by; above 0 favors longer ones. */
  lengthPenalty?: number | undefined;
  /** When a beam search ends: see `BeamOptions.earlyStopping`. */
  earlyStopping?: boolean | 'never' | undefined;
  /** A text, or the id of a token, that ends generation and is not part of the result. */
  stopToken?: string | number | undefined;
  /** The system message of every prompt. */
  systemPrompt?: string | undefined;
  /** The name under which the model speaks in a transcript, such as `'assistant'`. */
  role?: string | undefined;
  /** The token that pads a batch. */
  padTokenId?: number | undefined;
  /** A token that ends generation, besides the model's own. */
  eosTokenId?: number | undefined;
  /** The token that a prompt begins with, in place of the model's own. */
  bosTokenId?: number | undefined;
  /** Where the model runs, such as `'cpu'` or `'cuda'`. */
  device?: string | undefined;
}

/** The options, checked, with one name for each. */
export type Settings = Readonly<Omit<BaseLLMOptions, 'repitionPenalty' | 'beamWidth'>>;

/** Options of one call. */
export interface RunOptions extends CallOptions {
  /**
   * Called with each part of a text as it is generated, and the index of its task in a batch;
   * returning `false` ends that text. A beam search calls it once, with the whole text.
   */
  onToken?: ((text: string, index: number) => unknown) | undefined;
}

type Check = (value: unknown, name: string) => unknown;

const penalty: Check = (value, name) => checkBetween(value, name, -1000, 1000);
const tokenId: Check = (value, name) => checkInteger(value, name, 0);
const count = (max?: number): Check => {
  return (value, name) => checkInteger(value, name, 1, max);
};
const text: Check = (value, name) => {
  const given = checkString(value, name);
  if (given === '') throw wrongRange('a string of at least one character', name, given);
  return given;
};

/** The check of each option's value. */
const checks: Record<keyof BaseLLMOptions, Check> = {
  modelName: (value, name) => {
    const given = text(value, name) as string;
    if (given.includes('\0')) throw wrongRange('a name without NUL characters', name, given);
    return given;
  },
  maxTokens: readMaxTokens,
  maxLength: count(),
  temperature: (value, name) => checkBetween(value, name, 0, Infinity),
  topK: (value, name) => checkInteger(value, name, 0),
  topP: (value, name) => checkBetween(value, name, 0, 1),
  doSample: checkBoolean,
  seed: (value, name) => checkInteger(value, name, 0, 2 ** 32 - 1),
  frequencyPenalty: penalty,
  presencePenalty: penalty,
  repetitionPenalty: (value, name) => checkBetween(value, name, 0.001, 1000),
  repitionPenalty: (value, name) => checkBetween(value, name, 0.001, 1000),
  numBeams: count(64),
  beamWidth: count(64),
  numReturnSequences: count(1024),
  lengthPenalty: (value, name) => checkNumber(value, name),
  earlyStopping: (value, name) =>
    typeof value === 'boolean' ? value : checkOneOf(value, name, ['never']),
  stopToken: (value, name) => {
    if (typeof value === 'number') return tokenId(value, name);
    if (typeof value !== 'string') throw wrongType('a string or a token id', name, value);
    return text(value, name);
  },
  systemPrompt: checkString,
  role: text,
  padTokenId: tokenId,
  eosTokenId: tokenId,
  bosTokenId: tokenId,
  device: text,
};

/** The names of {@link BaseLLMOptions}. */
export const optionNames = Object.keys(checks) as (keyof BaseLLMOptions)[];

/** The name that an option is kept under. */
export const aliases = { repitionPenalty: 'repetitionPenalty', beamWidth: 'numBeams' } as const;

/**
 * Checks options and resolves their aliases. An option that is set to undefined stays in the
 * result. Throws TypeError, or RangeError, also for two names of an option that disagree.
 */
export function readBaseOptions(value: BaseLLMOptions | undefined): Settings {
  const given = checkOptions(value, 'options', optionNames);
  const settings: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(given)) {
    const checked =
      item === undefined ? undefined : checks[name as keyof BaseLLMOptions](item, name);
    const kept = Object.hasOwn(aliases, name) ? aliases[name as keyof typeof aliases] : name;
    const other = settings[kept];
    if (other !== undefined && checked !== undefined && other !== checked) {
      throw wrongRange(`the same value for ${kept} and its other name`, name, checked);
    }
    settings[kept] = checked ?? other;
  }
  return settings as Settings;
}

/** Checks the options of a call; throws TypeError. */
export function readRunOptions(value: RunOptions | undefined): RunOptions {
  const { signal, onToken } = checkOptions(value, 'options', ['signal', 'onToken']);
  if (onToken !== undefined && typeof onToken !== 'function') {
    throw wrongType('a function', 'onToken', onToken);
  }
  return { signal: checkSignal(signal, 'signal'), onToken };
}
