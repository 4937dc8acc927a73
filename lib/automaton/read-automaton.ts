// Validates an automaton that somebody wrote or sent as JSON. Messages name the action, by position
// and id, and the field. `automaton.ts` calls it.

import { checkOneOf, checkString, describe, wrongRange, wrongType } from '../common/arguments.js';
import type { Action, AutomatonBoundary, AutomatonJSON, Metric } from './actions.js';
import { checkPaths } from './check-paths.js';
import { checkKeys, readObject } from './json-objects.js';
import { nameOf } from './names.js';
import { readAction } from './read-action.js';
import { readVocabulary } from './read-vocabulary.js';
import type { VocabularyExpression } from './vocabulary-expression.js';
import { checkNames } from './vocabulary-names.js';

const metrics = ['mean', 'sum', 'bytes'] as const;
const boundaries = ['separate', 'healed'] as const;

/** An automaton with every default of its own, as frozen copies. */
export interface AutomatonParts {
  actions: readonly Action[];
  /** Without a prototype: any name may be looked up. */
  vocabularies: Readonly<Record<string, VocabularyExpression>>;
  metric: Metric;
  boundary: AutomatonBoundary;
}

function readVocabularies(value: unknown): AutomatonParts['vocabularies'] {
  const vocabularies = Object.create(null) as Record<string, VocabularyExpression>;
  if (value === undefined) return Object.freeze(vocabularies);
  for (const [name, expression] of Object.entries(readObject(value, 'vocabularies'))) {
    if (name === '') throw wrongRange('non-empty names', 'the keys of vocabularies', name);
    vocabularies[name] = readVocabulary(expression, `vocabularies.${name}`);
  }
  return Object.freeze(vocabularies);
}

function checkIds(actions: readonly Action[]): void {
  const known = new Map<string, number>();
  for (const [index, { id }] of actions.entries()) {
    const earlier = known.get(id);
    if (earlier !== undefined) {
      const what = `an id that no other action has (actions[${earlier}] has it)`;
      throw wrongRange(what, `actions[${index}].id`, id);
    }
    known.set(id, index);
  }
  for (const [index, { id, next = [] }] of actions.entries()) {
    for (const [position, successor] of next.entries()) {
      if (known.has(successor)) continue;
      const name = `${nameOf(index, id)}.next[${position}]`;
      throw wrongRange('the id of an action', name, successor);
    }
  }
}

/**
 * Validates an automaton and copies it.
 *
 * @throws TypeError, RangeError that name the action and the field; NotSupportedError for a regular
 * expression that has no linear-time engine
 */
export function readAutomaton(value: unknown): AutomatonParts {
  const json = readObject(value, 'the automaton') as Partial<AutomatonJSON>;
  checkKeys(json, ['actions', 'vocabularies', 'metric', 'boundary'], 'the automaton');
  const { actions: given, metric = 'mean', boundary = 'separate' } = json;
  if (!Array.isArray(given)) throw wrongType('an array', 'actions', given);
  if (given.length === 0) {
    throw wrongRange('at least one action, the entry,', 'actions', given);
  }
  const vocabularies = readVocabularies(json.vocabularies);
  const actions = Array.from(given as unknown[], (action, index) => readAction(action, index));
  checkIds(actions);
  checkNames(vocabularies, actions);
  checkPaths(actions);
  return {
    actions: Object.freeze(actions),
    vocabularies,
    metric: checkOneOf(metric, 'metric', metrics),
    boundary: checkOneOf(boundary, 'boundary', boundaries),
  };
}

/** Parses the text of an automaton, or of a tree. Throws a TypeError that quotes what is wrong with it. */
export function parseAutomaton(text: string, name = 'the automaton'): unknown {
  checkString(text, name);
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : describe(error);
    throw wrongType(`JSON (${reason})`, name, text);
  }
}
