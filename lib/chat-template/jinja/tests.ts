// The tests of Jinja2: what `is` checks.

import { Bound } from './arguments.js';
import { TemplateError } from './errors.js';
import { binary, compares, contains, equals } from './operators.js';
import { str } from './print.js';
import { isLower, isUpper } from './text.js';
import {
  type Args,
  Callable,
  Dict,
  Iter,
  isList,
  Markup,
  Range,
  sequenceOf,
  Tuple,
  Undefined,
  type Value,
} from './values.js';

type Test = (value: Value, args: Args) => boolean;

const simple = (name: string, holds: (value: Value) => boolean): [string, Test] => [
  name,
  (value, args) => {
    new Bound(name, args, []);
    return holds(value);
  },
];

const withOther = (
  names: readonly string[],
  holds: (value: Value, other: Value) => boolean,
): [string, Test][] =>
  names.map((name) => [
    name,
    (value, args) => holds(value, new Bound(name, args, ['other']).value('other')),
  ]);

const isNumber = (value: Value): boolean =>
  typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean';

/** Whether a value is the very same; equal strings and numbers may or may not be. */
function isSame(value: Value, other: Value): boolean {
  if (typeof value !== typeof other || value === null || typeof value === 'boolean') {
    return value === other;
  }
  if (typeof value === 'object') return value === other;
  throw new TemplateError('sameas is supported for none, booleans and objects only');
}

const remainder = (value: Value, divisor: bigint): boolean =>
  equals(binary('%', value, divisor), 1n);

/** The tests, by name. */
export const tests: ReadonlyMap<string, Test> = new Map<string, Test>([
  simple('boolean', (value) => typeof value === 'boolean'),
  simple('callable', (value) => value instanceof Callable || value instanceof Undefined),
  simple('defined', (value) => !(value instanceof Undefined)),
  simple('escaped', (value) => value instanceof Markup),
  simple('even', (value) => equals(binary('%', value, 2n), 0n)),
  simple('false', (value) => value === false),
  simple('float', (value) => typeof value === 'number'),
  simple('integer', (value) => typeof value === 'bigint'),
  simple('iterable', (value) => value instanceof Iter || isSequence(value)),
  simple('lower', (value) => isLower(str(value))),
  simple('mapping', (value) => value instanceof Dict),
  simple('none', (value) => value === null),
  simple('number', isNumber),
  simple('odd', (value) => remainder(value, 2n)),
  simple(
    'sequence',
    (value) =>
      typeof value === 'string' ||
      isList(value) ||
      [Tuple, Dict, Range, Markup, Undefined].some((type) => value instanceof type),
  ),
  simple('string', (value) => typeof value === 'string' || value instanceof Markup),
  simple('true', (value) => value === true),
  simple('undefined', (value) => value instanceof Undefined),
  simple('upper', (value) => isUpper(str(value))),
  ...withOther(['==', 'eq', 'equalto'], equals),
  ...withOther(['!=', 'ne'], (value, other) => !equals(value, other)),
  ...withOther(['<', 'lt', 'lessthan'], (value, other) => compares('<', value, other)),
  ...withOther(['<=', 'le'], (value, other) => compares('<=', value, other)),
  ...withOther(['>', 'gt', 'greaterthan'], (value, other) => compares('>', value, other)),
  ...withOther(['>=', 'ge'], (value, other) => compares('>=', value, other)),
  ...withOther(['in'], (value, other) => contains(other, value)),
  ...withOther(['sameas'], isSame),
  ...withOther(['divisibleby'], (value, other) => equals(binary('%', value, other), 0n)),
]);

const isSequence = (value: Value): boolean =>
  value instanceof Markup || sequenceOf(value) !== undefined;

/** Finds a test; throws a TemplateError. */
export function findTest(name: string): Test {
  const test = tests.get(name);
  if (test === undefined) throw new TemplateError(`the test ${name} is not supported`);
  return test;
}
