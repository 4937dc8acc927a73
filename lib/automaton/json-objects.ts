// Objects of untrusted JSON: their kind, their keys, and frozen copies. Readers of automata use it.

import { wrongType } from '../common/arguments.js';

/** A plain object; throws a TypeError otherwise. */
export function readObject(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType('an object', name, value);
  }
  return value as Record<string, unknown>;
}

/** Throws a TypeError for a key that is not known; undefined values count as absent. */
export function checkKeys(object: object, known: readonly string[], name: string): void {
  for (const [key, value] of Object.entries(object)) {
    if (value !== undefined && !known.includes(key)) {
      throw wrongType(`only ${known.join(', ')}`, `the keys of ${name}`, key);
    }
  }
}

/** The entries that are not undefined, frozen. */
export function compact<T extends object>(object: T): T {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.freeze(Object.fromEntries(entries)) as T;
}
