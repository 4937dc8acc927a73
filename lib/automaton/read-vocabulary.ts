// Validates vocabulary expressions, except for the names in them.

import { checkInteger, checkString, wrongRange, wrongType } from '../common/arguments.js';
import { compileRegex } from '../regex/regex.js';
import { readObject } from './json-objects.js';
import type { VocabularyExpression } from './vocabulary-expression.js';

const kinds = ['tokens', 'ids', 'regex', 'union', 'intersect', 'difference', 'complement'] as const;

/** An expression may come from anywhere; deeper ones would overflow the stack. */
const maxDepth = 100;

function readList<T>(
  value: unknown,
  name: string,
  read: (item: unknown, name: string) => T,
): readonly T[] {
  if (!Array.isArray(value)) throw wrongType('an array', name, value);
  if (value.length === 0) throw wrongRange('at least one element', name, value);
  return Object.freeze(Array.from(value, (item, index) => read(item, `${name}[${index}]`)));
}

function readText(value: unknown, name: string): string {
  const text = checkString(value, name);
  if (text === '') throw wrongRange('a non-empty text', name, text);
  return text;
}

/** Validates an expression and copies it, frozen. `vocabulary-names.ts` checks names. */
export function readVocabulary(value: unknown, name: string, depth = 0): VocabularyExpression {
  if (depth > maxDepth) {
    throw wrongRange(`at most ${maxDepth} nested expressions`, name, value);
  }
  if (typeof value === 'string') {
    if (value === '') throw wrongRange('the name of a vocabulary', name, value);
    return value;
  }
  const what = `the name of a vocabulary, or an object with one of ${kinds.join(', ')},`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType(what, name, value);
  }
  const object = readObject(value, name);
  const keys = Object.keys(object).filter((key) => object[key] !== undefined);
  const kind = kinds.find((each) => each === keys[0]);
  if (keys.length !== 1 || kind === undefined) {
    throw wrongType(what, name, keys.length === 1 ? keys[0] : value);
  }
  const field = `${name}.${kind}`;
  const read = (item: unknown, itemName: string) => readVocabulary(item, itemName, depth + 1);
  switch (kind) {
    case 'tokens':
      return Object.freeze({ tokens: readList(object.tokens, field, readText) });
    case 'ids': {
      const readIdOf = (id: unknown, idName: string) => checkInteger(id, idName, 0);
      return Object.freeze({ ids: readList(object.ids, field, readIdOf) });
    }
    case 'regex': {
      const regex = checkString(object.regex, field);
      compileRegex(regex, field);
      return Object.freeze({ regex });
    }
    case 'union':
      return Object.freeze({ union: readList(object.union, field, read) });
    case 'intersect':
      return Object.freeze({ intersect: readList(object.intersect, field, read) });
    case 'difference':
      return Object.freeze({ difference: readList(object.difference, field, read) });
    case 'complement':
      return Object.freeze({ complement: read(object.complement, field) });
  }
}
