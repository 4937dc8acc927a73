// Validates the questions of `decide`, in every form that a caller may pass them in. Servers and
// other LMs read questions with it, too.

import { types } from 'node:util';
import { checkOptions, checkString, wrongRange, wrongType } from '../common/arguments.js';
import { jsonText } from './json-text.js';
import {
  type CheckedOption,
  type CheckedQuestion,
  type QuestionType,
  questionTypes,
} from './question.js';

/** Other APIs' names of a type. */
const aliases: Readonly<Record<string, QuestionType>> = { noul: 'boolean', predicate: 'boolean' };

/** A name as it stands in error messages. */
const keyed = (name: string, key: string): string => `${name}[${JSON.stringify(key)}]`;

/** A text, or JSON text; undefined for null and undefined. */
function readText(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') throw wrongType('a string, an object or an array', name, value);
  return jsonText(value, name);
}

/** The entries of an object, a Map or an array of pairs, in order; no key twice. */
function entriesOf(value: unknown, name: string, what: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null) throw wrongType(what, name, value);
  if (!Array.isArray(value) && !types.isMap(value)) return Object.entries(value);
  const entries: [string, unknown][] = [];
  const seen = new Set<string>();
  for (const [index, entry] of [...value].entries()) {
    if (!Array.isArray(entry) || entry.length > 2 || entry.length < 1) {
      throw wrongType('a pair of a name and a value', `${name}[${index}]`, entry);
    }
    const key = checkString(entry[0], `${name}[${index}][0]`);
    if (seen.has(key)) throw wrongRange('names that all differ', name, key);
    seen.add(key);
    entries.push([key, entry[1]]);
  }
  return entries;
}

function readChoices(value: unknown, name: string): CheckedOption[] {
  // Names alone; pairs start with an array.
  const named =
    Array.isArray(value) && !Array.isArray(value[0])
      ? value.map((each, index) => [checkString(each, `${name}[${index}]`), undefined])
      : value;
  const entries = entriesOf(named, name, 'an object, a Map or an array of options');
  return entries.map(([option, description]) => ({
    name: option,
    description: readText(description, keyed(name, option)),
  }));
}

function readLevels(value: unknown, name: string): CheckedOption[] {
  if (!Array.isArray(value)) throw wrongType('an array of levels, lowest first,', name, value);
  const seen = new Set<string>();
  return Array.from(value, (level: unknown, index) => {
    const text = readText(level, `${name}[${index}]`);
    if (text === undefined) {
      throw wrongType('a string, an object or an array', `${name}[${index}]`, level);
    }
    if (seen.has(text)) throw wrongRange('levels that all differ', name, text);
    seen.add(text);
    return { name: text, description: undefined };
  });
}

function readCases(value: unknown, name: string): CheckedOption[] {
  const cases = checkOptions<{ true?: unknown; false?: unknown }>(
    (value ?? undefined) as object | undefined,
    name,
    ['true', 'false'],
  );
  return [
    { name: 'Yes', description: readText(cases.true, `${name}.true`) },
    { name: 'No', description: readText(cases.false, `${name}.false`) },
  ];
}

function readType(value: unknown, name: string): QuestionType {
  const known = [...questionTypes, ...Object.keys(aliases)];
  if (typeof value !== 'string' || !known.includes(value)) {
    throw wrongType(`one of ${known.map((type) => `'${type}'`).join(', ')}`, name, value);
  }
  return aliases[value] ?? (value as QuestionType);
}

function readQuestion(value: unknown, key: string): CheckedQuestion {
  const name = keyed('questions', key);
  if (value === undefined) throw wrongType('an object', name, value);
  const fields = ['type', 'instructions', 'criteria'] as const;
  const given = checkOptions<{ [Field in (typeof fields)[number]]?: unknown }>(
    value as object,
    name,
    fields,
  );
  const type = readType(given.type, `${name}.type`);
  const instructions = readText(given.instructions, `${name}.instructions`) ?? '';
  const read = { choice: readChoices, score: readLevels, boolean: readCases }[type];
  const options = read(given.criteria, `${name}.criteria`);
  if (options.length === 0) {
    const what = type === 'score' ? 'at least one level' : 'at least one option';
    throw wrongRange(what, `${name}.criteria`, given.criteria);
  }
  const isBare = options.every(({ description }) => description === undefined);
  if (type === 'boolean' && instructions.trim() === '' && isBare) {
    throw wrongRange('instructions or a criterion', name, value);
  }
  return { name: key, type, instructions, options };
}

/**
 * Validates questions: an object, a Map, or pairs of a name and a question.
 *
 * @returns the questions in the caller's order, every text as the model reads it
 * @throws TypeError for a question of another form; RangeError for no questions, for a question
 * without options, for names or levels that repeat, and for a boolean with neither instructions nor
 * a criterion
 * @example
 * const [{ type, options }] = readQuestions({ tone: { type: 'choice', criteria: ['warm', 'cold'] } });
 */
export function readQuestions(questions: unknown): CheckedQuestion[] {
  const entries = entriesOf(questions, 'questions', 'an object, a Map or an array of questions');
  if (entries.length === 0) throw wrongRange('at least one question', 'questions', questions);
  return entries.map(([name, question]) => readQuestion(question, name));
}
