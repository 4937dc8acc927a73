// Validates one action of an automaton. `read-automaton.ts` checks what concerns several of them.

import { emptyChoice, normalizations, readTerminator } from '../choose/choose-options.js';
import {
  checkBoolean,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkString,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import type { Action, ChooseAction, CompleteAction, Stop, TextAction } from './actions.js';
import { checkKeys, compact, readObject } from './json-objects.js';
import { nameOf } from './names.js';
import { readVocabulary } from './read-vocabulary.js';

const types = ['text', 'choose', 'complete'] as const;
const common = ['id', 'type', 'next'];
const textKeys = [...common, 'text', 'evaluate'];
const chooseKeys = [...common, 'choices', 'width', 'threshold', 'normalize', 'terminator'];
const completeKeys = [
  ...common,
  'maxTokens',
  'beams',
  'ahead',
  'width',
  'threshold',
  'normalize',
  'stop',
  'vocabulary',
  'repetition',
  'diversity',
];

/** Maximum number of beams, and of tokens that a completion looks ahead. */
export const maxBeams = 64;

/** Reads a field unless it is absent. */
function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}

function readArray<T>(
  value: unknown,
  name: string,
  read: (item: unknown, name: string) => T,
): readonly T[] {
  if (!Array.isArray(value)) throw wrongType('an array', name, value);
  return Object.freeze(Array.from(value, (item, index) => read(item, `${name}[${index}]`)));
}

function readId(value: unknown, name: string): string {
  const id = checkString(value, name);
  if (id === '') throw wrongRange('a non-empty id', name, id);
  return id;
}

function readThreshold(value: unknown, name: string): number {
  const threshold = checkNumber(value, name, 0);
  if (threshold > 1) throw wrongRange('a number between 0 and 1', name, threshold);
  return threshold;
}

function readStop(value: unknown, name: string): Stop {
  if (typeof value === 'string') {
    if (value === '') throw wrongRange('a non-empty text', name, value);
    return value;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType('a string, { tokens } or { control }', name, value);
  }
  checkKeys(value, ['tokens', 'control'], name);
  const { tokens, control } = value as { tokens?: unknown; control?: unknown };
  if ((tokens === undefined) === (control === undefined)) {
    throw wrongType('either tokens or control', name, value);
  }
  if (tokens !== undefined) {
    return Object.freeze({ tokens: readVocabulary(tokens, `${name}.tokens`) });
  }
  return Object.freeze({ control: readId(control, `${name}.control`) });
}

type Fields = Record<string, unknown>;

/** What all actions have. */
interface Common {
  id: string;
  next: readonly string[] | undefined;
}

function readText(fields: Fields, { id, next }: Common, name: string): TextAction {
  checkKeys(fields, textKeys, name);
  return compact<TextAction>({
    id,
    type: 'text',
    text: checkString(fields.text, `${name}.text`),
    evaluate: optional(fields.evaluate, (value) => checkBoolean(value, `${name}.evaluate`)),
    next,
  });
}

/** What actions with several outcomes share. */
function readSelection(fields: Fields, name: string) {
  return {
    width: optional(fields.width, (value) => checkInteger(value, `${name}.width`, 1)),
    threshold: optional(fields.threshold, (value) => readThreshold(value, `${name}.threshold`)),
    normalize: optional(fields.normalize, (value) =>
      checkOneOf(value, `${name}.normalize`, normalizations),
    ),
  };
}

function readChoose(fields: Fields, { id, next }: Common, name: string): ChooseAction {
  checkKeys(fields, chooseKeys, name);
  const choices = readArray(fields.choices, `${name}.choices`, checkString);
  if (choices.length === 0) throw wrongRange('at least one choice', `${name}.choices`, choices);
  const terminator = optional(fields.terminator, (value) => {
    readTerminator(value, `${name}.terminator`);
    return value as string;
  });
  const empty = choices.indexOf('');
  if (empty >= 0 && (terminator ?? 'none') === 'none') {
    throw emptyChoice(`${name}.choices[${empty}]`, '');
  }
  const counts = new Set([0, 1, choices.length]);
  if (!counts.has(next?.length ?? 0)) {
    const what = `no id, one, or one for each of the ${choices.length} choices`;
    throw wrongRange(what, `${name}.next`, next);
  }
  const selection = readSelection(fields, name);
  return compact<ChooseAction>({ id, type: 'choose', choices, ...selection, terminator, next });
}

function readComplete(fields: Fields, { id, next }: Common, name: string): CompleteAction {
  checkKeys(fields, completeKeys, name);
  const integer = (key: string, min: number, max?: number) =>
    optional(fields[key], (value) => checkInteger(value, `${name}.${key}`, min, max));
  const amount = (key: string) =>
    optional(fields[key], (value) => checkNumber(value, `${name}.${key}`, 0));
  const { stop } = fields;
  return compact<CompleteAction>({
    id,
    type: 'complete',
    maxTokens: checkInteger(fields.maxTokens, `${name}.maxTokens`, 1),
    beams: integer('beams', 1, maxBeams),
    ahead: integer('ahead', 0, maxBeams),
    ...readSelection(fields, name),
    stop: Array.isArray(stop)
      ? readArray(stop, `${name}.stop`, readStop)
      : optional(stop, (value) => readStop(value, `${name}.stop`)),
    vocabulary: optional(fields.vocabulary, (value) => readVocabulary(value, `${name}.vocabulary`)),
    repetition: amount('repetition'),
    diversity: amount('diversity'),
    next,
  });
}

/** Validates an action and copies it, frozen. */
export function readAction(value: unknown, index: number): Action {
  const fields = readObject(value, `actions[${index}]`);
  const id = readId(fields.id, `actions[${index}].id`);
  const name = nameOf(index, id);
  const type = checkOneOf(fields.type, `${name}.type`, types);
  const next = optional(fields.next, (ids) => readArray(ids, `${name}.next`, readId));
  if (type !== 'choose' && next !== undefined && new Set(next).size < next.length) {
    throw wrongRange('distinct ids', `${name}.next`, next);
  }
  const read = { text: readText, choose: readChoose, complete: readComplete }[type];
  return read(fields, { id, next }, name);
}
