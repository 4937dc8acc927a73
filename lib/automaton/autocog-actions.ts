// The actions of AutoCog's files as this package has them. What has no counterpart here, such as
// the field of a form that an action belongs to, is kept apart for writing it back.

import { checkString, wrongRange, wrongType } from '../common/arguments.js';
import type { Stop } from './actions.js';
import { stopOf, stopsOf } from './autocog-vocabularies.js';
import { readObject } from './json-objects.js';
import { nameOf } from './names.js';
import type { VocabularyExpression } from './vocabulary-expression.js';

type Fields = Record<string, unknown>;

/** What reading an action left out. */
export interface ActionRecord {
  /** Fields that this package does not have. */
  others: Fields;
  /** All fields of the file, in its order. */
  keys: readonly string[];
  /** Fields with a counterpart here that the file left out. */
  absent: readonly string[];
  /** The stop fields of a completion, and the stops that were made of them. */
  stopFields?: { stop_text?: unknown; stop?: unknown };
  stops?: readonly Stop[];
}

/** By type, AutoCog's names of fields and this package's. */
export const fieldNames = {
  text: { text: 'text', evaluate: 'evaluate' },
  choose: { choices: 'choices', threshold: 'threshold', width: 'width' },
  complete: {
    length: 'maxTokens',
    threshold: 'threshold',
    beams: 'beams',
    ahead: 'ahead',
    width: 'width',
    vocab: 'vocabulary',
    repetition: 'repetition',
    diversity: 'diversity',
  },
} as const;

/** Of a file's action, what `Automaton.fromJSON` reads, and the rest. */
export function readAutoCogAction(
  value: unknown,
  index: number,
  vocabularies: Readonly<Record<string, VocabularyExpression>>,
): { action: object; record: ActionRecord } {
  const given = readObject(value, `actions[${index}]`);
  const { uid, type, successors = [], ...rest } = given;
  const id = checkString(uid, `actions[${index}].uid`);
  const name = nameOf(index, id);
  if (typeof type !== 'string' || !Object.hasOwn(fieldNames, type)) {
    throw wrongType("one of 'text', 'choose', 'complete'", `${name}.type`, type);
  }
  const known: Record<string, string> = fieldNames[type as keyof typeof fieldNames];
  const action: Fields = { id, type };
  const absent: string[] = given.successors === undefined ? ['successors'] : [];
  for (const [theirs, ours] of Object.entries(known)) {
    if (rest[theirs] === undefined) absent.push(theirs);
    else action[ours] = rest[theirs];
    delete rest[theirs];
  }
  const record: ActionRecord = { others: rest, keys: Object.keys(given), absent };
  action.next = successors;
  // The geometric mean of the tokens' probabilities, whatever orders the queue.
  if (type !== 'text') action.normalize = 'tokens';
  if (type === 'complete') readStop(action, rest, record, name, vocabularies);
  return { action, record };
}

function readStop(
  action: Fields,
  rest: Fields,
  record: ActionRecord,
  name: string,
  vocabularies: Readonly<Record<string, VocabularyExpression>>,
): void {
  const { stop_text: text, stop } = rest;
  delete rest.stop_text;
  delete rest.stop;
  record.stopFields = {
    ...(text === undefined ? {} : { stop_text: text }),
    ...(stop === undefined ? {} : { stop }),
  };
  const stops: Stop[] = [];
  // An empty stop would match at once; AutoCog's files have it for none.
  if (text !== undefined && text !== '') stops.push(stopOf(checkString(text, `${name}.stop_text`)));
  if (stop !== undefined) {
    const reference = checkString(stop, `${name}.stop`);
    if (!(reference in vocabularies)) {
      throw wrongRange('the name of a vocabulary', `${name}.stop`, reference);
    }
    stops.push(...stopsOf(reference, vocabularies));
  }
  if (stops.length > 0) action.stop = stops;
  record.stops = stops;
}
