// Argument validation. All messages read `Expected <what> for <name>, got <value>`; a wrong type is
// a TypeError (code INVALID_ARGUMENT), a value out of range a RangeError (OUT_OF_RANGE).

import { types } from 'node:util';
import { invalidArgument, outOfRange } from './errors.js';
import { similarTo } from './similar.js';

/** Text, or the ids of its tokens. */
export type Prompt = string | Int32Array;

/** A short description of a value for an error message; long values are truncated. */
export function describe(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  }
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const name: unknown = value.constructor?.name;
  if (ArrayBuffer.isView(value) && 'length' in value) return `${name} of ${value.length}`;
  return typeof name === 'string' && name !== 'Object' ? `an instance of ${name}` : 'an object';
}

const message = (what: string, name: string, value: unknown): string =>
  `Expected ${what} for ${name}, got ${describe(value)}`;

/** A TypeError about a word that is not a known one, with the one that was probably meant. */
function unknownWord(
  what: string,
  name: string,
  word: string,
  known: readonly string[],
): TypeError {
  const similar = similarTo(word, known);
  const hint = similar === undefined ? '' : ` (did you mean '${similar}'?)`;
  return about(name, invalidArgument(`${message(what, name, word)}${hint}`));
}

/** The argument that an error is about. Not a property of the error: it is for callers in `lib`. */
const argumentNames = new WeakMap<Error, string>();

/** Marks an error as being about this argument. Returns the error. */
export function about<E extends Error>(name: string, error: E): E {
  argumentNames.set(error, name);
  return error;
}

/** The argument that an error is about, such as `choices[1]`; undefined if that is unknown. */
export const argumentOf = (error: unknown): string | undefined => argumentNames.get(error as Error);

/** A TypeError with the conventional message. */
export const wrongType = (what: string, name: string, value: unknown): TypeError =>
  about(name, invalidArgument(message(what, name, value)));

/** A RangeError with the conventional message. */
export const wrongRange = (what: string, name: string, value: unknown): RangeError =>
  about(name, outOfRange(message(what, name, value)));

export function checkString(value: unknown, name: string): string {
  if (typeof value !== 'string') throw wrongType('a string', name, value);
  return value;
}

export function checkBoolean(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw wrongType('a boolean', name, value);
  return value;
}

/** A finite number of at least `min`. */
export function checkNumber(value: unknown, name: string, min = -Infinity): number {
  if (typeof value !== 'number') throw wrongType('a number', name, value);
  if (!Number.isFinite(value) || value < min) {
    const bound = min === -Infinity ? '' : ` of at least ${min}`;
    throw wrongRange(`a finite number${bound}`, name, value);
  }
  return value;
}

/** A number from `min` to `max`, inclusive; either may be infinite. */
export function checkBetween(value: unknown, name: string, min: number, max: number): number {
  if (typeof value !== 'number') throw wrongType('a number', name, value);
  // False for NaN.
  if (value >= min && value <= max) return value;
  const what = max === Infinity ? `a number of at least ${min}` : `a number from ${min} to ${max}`;
  throw wrongRange(what, name, value);
}

const int32Max = 2 ** 31 - 1;

/** An integer from `min` to `max`, inclusive. `max` defaults to the limit of native int32. */
export function checkInteger(value: unknown, name: string, min: number, max = int32Max): number {
  if (typeof value !== 'number') throw wrongType('an integer', name, value);
  if (!Number.isInteger(value) || value < min || value > max) {
    const bounds = max === int32Max ? `of at least ${min}` : `between ${min} and ${max}`;
    throw wrongRange(`an integer ${bounds}`, name, value);
  }
  return value;
}

/** One of a fixed set of strings. */
export function checkOneOf<T extends string>(value: unknown, name: string, words: readonly T[]): T {
  const what = `one of ${words.map((word) => `'${word}'`).join(', ')}`;
  if (typeof value !== 'string') throw wrongType(what, name, value);
  if (!(words as readonly string[]).includes(value)) throw unknownWord(what, name, value, words);
  return value as T;
}

export function checkSignal(value: unknown, name: string): AbortSignal | undefined {
  if (value === undefined) return undefined;
  const signal = value as Partial<AbortSignal> | null;
  const methods = [signal?.addEventListener, signal?.removeEventListener];
  if (typeof signal?.aborted !== 'boolean' || methods.some((each) => typeof each !== 'function')) {
    throw wrongType('an AbortSignal', name, value);
  }
  return value as AbortSignal;
}

export function checkStrings(value: unknown, name: string): string[] {
  if (!Array.isArray(value)) throw wrongType('an array of strings', name, value);
  return value.map((item, index) => checkString(item, `${name}[${index}]`));
}

/**
 * A plain copy of a typed array, since the caller may change, resize or transfer its own while the
 * call runs. Unlike `slice`, it calls nothing of a subclass. Throws TypeError if the array's buffer
 * is detached, or now too short for it.
 */
export function copyOf<T extends Int32Array | Float32Array>(
  value: T,
  name: string,
  Plain: new (source: T) => T,
): T {
  try {
    return new Plain(value);
  } catch {
    throw wrongType('an array whose buffer is attached', name, value);
  }
}

/** Token ids, within the vocabulary if its size is known, as a copy: see {@link copyOf}. */
export function checkTokens(value: unknown, name: string, vocabularySize?: number): Int32Array {
  if (!types.isInt32Array(value)) throw wrongType('an Int32Array', name, value);
  const tokens = copyOf<Int32Array>(value, name, Int32Array);
  const limit = vocabularySize ?? 2 ** 31;
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] as number;
    if (token < 0 || token >= limit) {
      const what = vocabularySize ? `a token id below ${vocabularySize}` : 'a token id';
      throw wrongRange(what, `${name}[${index}]`, token);
    }
  }
  return tokens;
}

/** A text is returned as it is; token ids are checked and copied by {@link checkTokens}. */
export function checkPrompt(value: unknown, name: string, vocabularySize?: number): Prompt {
  if (typeof value === 'string') return value;
  if (!types.isInt32Array(value)) throw wrongType('a string or an Int32Array', name, value);
  return checkTokens(value, name, vocabularySize);
}

/**
 * An options object, `{}` if undefined. Rejects unknown keys: an option that is silently ignored
 * would mislead the caller.
 */
export function checkOptions<T extends object>(
  value: T | undefined,
  name: string,
  known: readonly (keyof T & string)[],
): Partial<T> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType('an object', name, value);
  }
  for (const key of Object.keys(value)) {
    if (!(known as readonly string[]).includes(key)) {
      throw unknownWord(`only ${known.join(', ')}`, `the keys of ${name}`, key, known);
    }
  }
  return value;
}
