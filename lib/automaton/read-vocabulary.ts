// Validates vocabulary expressions, and that the names in them are known and not circular.

import { checkInteger, checkString, wrongRange, wrongType } from '../common/arguments.js';
import { compileRegex } from '../regex/regex.js';
import type { Action } from './actions.js';
import { readObject } from './json-objects.js';
import { nameOf } from './names.js';
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

/** Validates an expression and copies it, frozen. Names are checked by {@link checkNames}. */
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

/** The names that an expression refers to, with the field of each. */
function* namesIn(
  expression: VocabularyExpression,
  field: string,
): Generator<{ name: string; field: string }> {
  if (typeof expression === 'string') yield { name: expression, field };
  else if ('complement' in expression) {
    yield* namesIn(expression.complement, `${field}.complement`);
  } else {
    for (const kind of ['union', 'intersect', 'difference'] as const) {
      const parts: readonly VocabularyExpression[] =
        (expression as Record<string, readonly VocabularyExpression[]>)[kind] ?? [];
      for (const [index, part] of parts.entries()) {
        yield* namesIn(part, `${field}.${kind}[${index}]`);
      }
    }
  }
}

/** The expressions of an action, with the field of each. */
export function* vocabulariesOf(
  action: Action,
  name: string,
): Generator<{ expression: VocabularyExpression; field: string }> {
  if (action.type !== 'complete') return;
  const { vocabulary, stop = [] } = action;
  if (vocabulary !== undefined) yield { expression: vocabulary, field: `${name}.vocabulary` };
  const stops = Array.isArray(stop) ? stop : [stop];
  for (const [index, each] of stops.entries()) {
    if (typeof each === 'string' || !('tokens' in each)) continue;
    const field = Array.isArray(stop) ? `${name}.stop[${index}].tokens` : `${name}.stop.tokens`;
    yield { expression: each.tokens, field };
  }
}

/** Throws a RangeError for a name that is not in `vocabularies`, or that leads back to itself. */
export function checkNames(
  vocabularies: Readonly<Record<string, VocabularyExpression>>,
  actions: readonly Action[],
): void {
  const check = (expression: VocabularyExpression, field: string): void => {
    for (const reference of namesIn(expression, field)) {
      if (reference.name in vocabularies) continue;
      throw wrongRange('the name of a vocabulary', reference.field, reference.name);
    }
  };
  for (const [name, expression] of Object.entries(vocabularies)) {
    check(expression, `vocabularies.${name}`);
  }
  for (const [index, action] of actions.entries()) {
    for (const { expression, field } of vocabulariesOf(action, nameOf(index, action.id))) {
      check(expression, field);
    }
  }
  checkCircles(vocabularies);
}

/** Depth first with a stack of its own, as a chain of names may be long. */
function checkCircles(vocabularies: Readonly<Record<string, VocabularyExpression>>): void {
  const done = new Set<string>();
  for (const start of Object.keys(vocabularies)) {
    const open = new Set<string>();
    const stack: { name: string; rest: Iterator<{ name: string; field: string }> }[] = [];
    const enter = (name: string): void => {
      open.add(name);
      const expression = vocabularies[name] as VocabularyExpression;
      stack.push({ name, rest: namesIn(expression, `vocabularies.${name}`) });
    };
    if (!done.has(start)) enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { value, done: isDone } = top.rest.next();
      if (isDone) {
        open.delete(top.name);
        done.add(top.name);
        stack.pop();
      } else if (open.has(value.name)) {
        throw wrongRange('a vocabulary that does not refer to itself', value.field, value.name);
      } else if (!done.has(value.name)) {
        enter(value.name);
      }
    }
  }
}
