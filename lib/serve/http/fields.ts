// The fields of a request's JSON body. Every route reads those that it knows, and `finish`
// refuses the rest: a field that is taken and has no effect would be a silent lie.

import { checkBoolean, checkInteger, checkString, describe } from '../../common/arguments.js';
import { badField, HttpError, isMistake } from './http-error.js';

/** Makes something of a field's value, or throws a TypeError or RangeError with its name. */
export type Reader<T> = (value: unknown, name: string) => T;

/** Reads an integer within bounds, both included. */
export const integer =
  (min: number, max?: number): Reader<number> =>
  (value, name) =>
    checkInteger(value, name, min, max);

/** Reads a string. */
export const text: Reader<string> = checkString;

/** Reads true or false. */
export const flag: Reader<boolean> = checkBoolean;

/** Reads a JSON object. */
export const object: Reader<Readonly<Record<string, unknown>>> = (value, name) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badField('an object', name, value);
  }
  return value as Readonly<Record<string, unknown>>;
};

/** Reads an array, item by item. */
export const list =
  <T>(read: Reader<T>): Reader<T[]> =>
  (value, name) => {
    if (!Array.isArray(value)) throw badField('an array', name, value);
    return value.map((item: unknown, index) => read(item, `${name}[${index}]`));
  };

/** The fields of one object. Null stands for a field that is not there, as clients have it. */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #prefix: string;
  readonly #known = new Set<string>();

  /** @param prefix what stands before a field's name where it is told, such as `messages[0].` */
  constructor(value: unknown, name = 'the body', prefix = '') {
    this.#values = new Map(Object.entries(object(value, name)));
    this.#prefix = prefix;
  }

  /** The field's value; undefined where it is not there. */
  get<T>(name: string, read: Reader<T>): T | undefined {
    this.#known.add(name);
    const value = this.#values.get(name) ?? undefined;
    return value === undefined ? undefined : this.#read(name, value, read);
  }

  /** The value of a field that has to be there. */
  need<T>(name: string, read: Reader<T>): T {
    const found = this.get(name, read);
    if (found !== undefined) return found;
    const full = this.#prefix + name;
    const facts = { param: full, code: 'missing_required_parameter' };
    throw new HttpError(400, `Expected a value for ${full}, got nothing`, facts);
  }

  /** Whether there is such a field; it counts as known. */
  has(name: string): boolean {
    return this.get(name, (value) => value) !== undefined;
  }

  /** Refuses the first field that nobody has asked for. */
  finish(): void {
    for (const [name, value] of this.#values) {
      if (this.#known.has(name) || value === null) continue;
      const full = this.#prefix + name;
      const known = [...this.#known].join(', ');
      const message = `The field ${describe(full)} is not supported; those that are: ${known}`;
      throw new HttpError(400, message, { param: full, code: 'unknown_parameter' });
    }
  }

  #read<T>(name: string, value: unknown, read: Reader<T>): T {
    const full = this.#prefix + name;
    try {
      return read(value, full);
    } catch (error) {
      if (!isMistake(error)) throw error;
      throw new HttpError(400, error.message, { param: full, code: 'invalid_value', cause: error });
    }
  }
}
