// The names in vocabulary expressions: they must be known, and must not lead back to themselves.

import { wrongRange } from '../common/arguments.js';
import type { Action } from './actions.js';
import { nameOf } from './names.js';
import type { VocabularyExpression } from './vocabulary-expression.js';

/** The names that an expression refers to, with the field of each. */
export function* namesIn(
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
