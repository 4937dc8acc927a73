// The values that a configuration holds: what JSON and YAML have in common.

import { wrongRange, wrongType } from '../../common/arguments.js';

/** A value of a configuration: what JSON can represent. */
export type ConfigValue =
  | string
  | number
  | boolean
  | null
  | readonly ConfigValue[]
  | { readonly [name: string]: ConfigValue };

/** Deeper than any configuration; also ends the walk through an object that contains itself. */
const maxDepth = 64;

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A frozen copy of a value. Throws a TypeError or RangeError for one that JSON cannot represent. */
export function copyValue(value: unknown, name: string, depth = 0): ConfigValue {
  if (depth > maxDepth) throw wrongRange(`a value of at most ${maxDepth} levels`, name, value);
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    throw wrongRange('a finite number', name, value);
  }
  if (Array.isArray(value)) {
    return Object.freeze(
      Array.from(value, (item, index) => copyValue(item, `${name}[${index}]`, depth + 1)),
    );
  }
  if (isRecord(value) && isPlain(value)) {
    const entries = Object.entries(value).map(([key, item]): [string, ConfigValue] => [
      key,
      copyValue(item, `${name}.${key}`, depth + 1),
    ]);
    return Object.freeze(Object.fromEntries(entries));
  }
  throw wrongType('a value that JSON can represent', name, value);
}

/** Whether two values are equal, whatever the order of their keys. */
export function isEqual(a: ConfigValue | undefined, b: ConfigValue | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index]));
  }
  if (isRecord(a) && isRecord(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every(
        (key) => Object.hasOwn(b, key) && isEqual(a[key] as ConfigValue, b[key] as ConfigValue),
      )
    );
  }
  return Object.is(a, b) || (a === 0 && b === 0);
}
