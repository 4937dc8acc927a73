// The fields of a request's JSON body. Every route reads the fields it supports, and `finish`
// rejects the rest: silently ignoring a field would mislead the client.

import {
  argumentOf,
  checkBoolean,
  checkInteger,
  checkString,
  describe,
} from '../../common/arguments.js';
import { blame, HttpError, invalidField } from './http-error.js';

/** Parses a field's value; throws an error about the field, or about a part of it. */
export type Reader<T> = (value: unknown, name: string) => T;

/** Reads an integer from `min` to `max`, both inclusive. */
export const integer =
  (min: number, max?: number): Reader<number> =>
  (value, name) =>
    checkInteger(value, name, min, max);

/** Reads a string. */
export const text: Reader<string> = checkString;

/** Reads a boolean. */
export const flag: Reader<boolean> = checkBoolean;

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads a JSON object. */
export const object: Reader<JsonObject> = (value, name) => {
  if (!isObject(value)) throw invalidField('an object', name, value);
  return value;
};

/** The body, in which no field is at fault if it is no object. */
function body(value: unknown): JsonObject {
  if (isObject(value)) return value;
  const message = `Expected an object for the body, got ${describe(value)}`;
  throw new HttpError(400, message, { code: 'invalid_value' });
}

/** Reads an array, item by item. */
export const list =
  <T>(read: Reader<T>): Reader<T[]> =>
  (value, name) => {
    if (!Array.isArray(value)) throw invalidField('an array', name, value);
    return value.map((item: unknown, index) => read(item, `${name}[${index}]`));
  };

/** The fields of one object. A null value counts as absent, as clients expect. */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #prefix: string;
  readonly #known = new Set<string>();

  /**
   * @param name the name of the object itself; undefined for the body
   * @param prefix prepended to field names in errors, such as `messages[0].`
   */
  constructor(value: unknown, name?: string, prefix = '') {
    const fields = name === undefined ? body(value) : object(value, name);
    this.#values = new Map(Object.entries(fields));
    this.#prefix = prefix;
  }

  /** Returns the field's value, or undefined if it is absent. */
  get<T>(name: string, read: Reader<T>): T | undefined {
    this.#known.add(name);
    const value = this.#values.get(name) ?? undefined;
    return value === undefined ? undefined : this.#read(name, value, read);
  }

  /** Returns the value of a required field. */
  require<T>(name: string, read: Reader<T>): T {
    const value = this.get(name, read);
    if (value !== undefined) return value;
    const full = this.#prefix + name;
    const details = { param: full, code: 'missing_required_parameter' };
    throw new HttpError(400, `Expected a value for ${full}, got nothing`, details);
  }

  /** Whether the field is present. Marks it as known. */
  has(name: string): boolean {
    return this.get(name, (value) => value) !== undefined;
  }

  /** Rejects the first field that was never read. */
  finish(): void {
    for (const [name, value] of this.#values) {
      if (this.#known.has(name) || value === null) continue;
      const full = this.#prefix + name;
      const known = [...this.#known].join(', ');
      const message = `Unsupported field ${describe(full)}; supported fields: ${known}`;
      throw new HttpError(400, message, { param: full, code: 'unknown_parameter' });
    }
  }

  #read<T>(name: string, value: unknown, read: Reader<T>): T {
    const full = this.#prefix + name;
    try {
      return read(value, full);
    } catch (error) {
      // A reader may blame a part of the field, such as `prompt[0]`.
      const argument = argumentOf(error);
      throw blame(error, argument?.startsWith(full) ? argument : full);
    }
  }
}
