// Arithmetic, comparison and membership. Operands of types that Jinja2 does not combine fail.

import { TemplateError } from './errors.js';
import { formatPercent } from './format-text.js';
import { checkedInteger, checkedPower, checkText, claimItems, claimText, spend } from './meter.js';
import type { BinaryOperator, ComparisonOperator } from './nodes.js';
import { compareText, escapeHtml, includes } from './text.js';
import {
  Dict,
  DictView,
  isList,
  itemsOf,
  Markup,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.js';

type Numeric = bigint | number;

/** The longest string or list that a template may build by multiplication. */
const maxRepeated = 10_000_000n;

/** The number that a value is in arithmetic, if any: booleans are 0 and 1. */
function numeric(value: Value): Numeric | undefined {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return typeof value === 'bigint' || typeof value === 'number' ? value : undefined;
}

function refuse(operator: string, left: Value, right: Value): never {
  for (const value of [left, right]) if (value instanceof Undefined) value.fail();
  const types = `'${typeName(left)}' and '${typeName(right)}'`;
  throw new TemplateError(`unsupported operand type(s) for ${operator}: ${types}`);
}

/** Applies a binary operator. */
export function binary(operator: BinaryOperator, left: Value, right: Value): Value {
  const a = numeric(left);
  const b = numeric(right);
  if (a !== undefined && b !== undefined) return arithmetic(operator, a, b);
  if (operator === '+') return concatenate(left, right);
  if (operator === '*') return repeat(left, right);
  if (operator === '%' && typeof left === 'string') {
    return formatPercent(left, right);
  }
  return refuse(operator, left, right);
}

function concatenate(left: Value, right: Value): Value {
  if (typeof left === 'string' && typeof right === 'string') {
    checkText(left.length + right.length);
    return left + right;
  }
  if (isList(left) && isList(right)) return joined(left, right);
  if (left instanceof Tuple && right instanceof Tuple) {
    return new Tuple(joined(left.items, right.items));
  }
  const [a, b] = [escaped(left), escaped(right)];
  if (a !== undefined && b !== undefined) {
    checkText(a.text.length + b.text.length);
    return new Markup(a.text + b.text);
  }
  return refuse('+', left, right);
}

function joined(left: readonly Value[], right: readonly Value[]): Value[] {
  claimItems(left.length + right.length);
  return left.concat(right);
}

/** A text as it is added to one that is escaped already. */
function escaped(value: Value): Markup | undefined {
  if (value instanceof Markup) return value;
  return typeof value === 'string' ? new Markup(escapeHtml(value)) : undefined;
}

function repeat(left: Value, right: Value): Value {
  const [value, factor] = numeric(left) === undefined ? [left, right] : [right, left];
  const count = numeric(factor);
  if (typeof count !== 'bigint') return refuse('*', left, right);
  const items = value instanceof Tuple ? value.items : value;
  if (typeof items !== 'string' && !isList(items)) return refuse('*', left, right);
  if (count * BigInt(items.length) > maxRepeated)
    throw new TemplateError('the product is too long');
  const times = count < 0n ? 0 : Number(count);
  if (typeof items === 'string') {
    claimText(items.length * times);
    return items.repeat(times);
  }
  claimItems(items.length * times);
  const repeated = Array.from({ length: times }, () => items).flat();
  return value instanceof Tuple ? new Tuple(repeated) : repeated;
}

function arithmetic(operator: BinaryOperator, left: Numeric, right: Numeric): Numeric {
  if (operator === '/') return quotient(left, right);
  if (typeof left === 'bigint' && typeof right === 'bigint') return integers(operator, left, right);
  return floats(operator, Number(left), Number(right));
}

function quotient(left: Numeric, right: Numeric): number {
  if (Number(right) === 0) throw new TemplateError('division by zero');
  for (const number of [left, right]) {
    // Converting it to a float first would round twice.
    const isLong = typeof number === 'bigint' && BigInt(Number(number)) !== number;
    if (isLong) throw new TemplateError('dividing such long integers is not supported');
  }
  return Number(left) / Number(right);
}

function integers(operator: BinaryOperator, left: bigint, right: bigint): Numeric {
  switch (operator) {
    case '+':
      return checkedInteger(left + right);
    case '-':
      return checkedInteger(left - right);
    case '*':
      return checkedInteger(left * right);
    case '**':
      return right < 0n ? floats('**', 1, 1) : checkedPower(left, right);
    default: {
      if (right === 0n) throw new TemplateError('integer division or modulo by zero');
      // Division rounds down, and the remainder has the sign of the divisor.
      const remainder = left % right;
      const isBelow = remainder !== 0n && remainder < 0n !== right < 0n;
      if (operator === '%') return isBelow ? remainder + right : remainder;
      return left / right - (isBelow ? 1n : 0n);
    }
  }
}

function floats(operator: BinaryOperator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '**':
      // The last digit of JavaScript's result depends on the machine.
      throw new TemplateError('powers are supported for integers from zero on only');
    default: {
      if (right === 0) throw new TemplateError('float division or modulo by zero');
      const rest = left % right;
      const isBelow = rest !== 0 && rest < 0 !== right < 0;
      const remainder = isBelow ? rest + right : rest === 0 ? Math.sign(right) * 0 : rest;
      if (operator === '%') return remainder;
      const whole = Math.round((left - remainder) / right);
      const isNegative = left / right < 0 || Object.is(left / right, -0);
      return whole !== 0 ? whole : isNegative ? -0 : 0;
    }
  }
}

/** Applies a sign. */
export function signed(sign: '+' | '-', value: Value): Value {
  if (value instanceof Undefined) value.fail();
  const number = numeric(value);
  if (number === undefined) {
    throw new TemplateError(`bad operand type for unary ${sign}: '${typeName(value)}'`);
  }
  return sign === '-' ? -number : number;
}

/** Applies a comparison operator. */
export function compares(operator: ComparisonOperator, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return equals(left, right);
    case '!=':
      return !equals(left, right);
    case 'in':
      return contains(right, left);
    case 'not in':
      return !contains(right, left);
    case '<':
      return order(left, right, operator) < 0;
    case '>':
      return order(left, right, operator) > 0;
    case '<=':
      return order(left, right, operator) <= 0;
    case '>=':
      return order(left, right, operator) >= 0;
  }
}

/** Whether two values are equal: by content, and numbers of any type by value. */
export function equals(left: Value, right: Value): boolean {
  spend(0.25);
  const a = numeric(left);
  const b = numeric(right);
  // biome-ignore lint/suspicious/noDoubleEquals: compares integers with floats
  if (a !== undefined && b !== undefined) return a == b;
  if (left instanceof Undefined && right instanceof Undefined) return true;
  if (left instanceof Markup) return equals(left.text, right);
  if (right instanceof Markup) return equals(left, right.text);
  if (isList(left) && isList(right)) return sameItems(left, right);
  if (left instanceof Tuple && right instanceof Tuple) return sameItems(left.items, right.items);
  if (left instanceof Range && right instanceof Range) {
    return sameItems(left.items(), right.items());
  }
  if (left instanceof Dict && right instanceof Dict) {
    const isSame = ([key, value]: [Value, Value]): boolean => {
      const other = right.get(key);
      return other !== undefined && equals(value, other);
    };
    return left.size === right.size && left.entries().every(isSame);
  }
  if (left instanceof DictView && right instanceof DictView) {
    throw new TemplateError('comparing views of dictionaries is not supported');
  }
  if (typeof left === 'string' && typeof right === 'string') claimEqual(left, right);
  return left === right;
}

/** Texts of different lengths are not compared. */
function claimEqual(left: string, right: string): void {
  if (left.length === right.length) claimText(left.length);
}

const sameItems = (left: readonly Value[], right: readonly Value[]): boolean =>
  left.length === right.length && left.every((item, index) => equals(item, right[index] as Value));

/** Negative, zero or positive as `left` is ordered before, with or after `right`; NaN if neither. */
export function order(left: Value, right: Value, operator = '<'): number {
  const a = numeric(left);
  const b = numeric(right);
  // biome-ignore lint/suspicious/noDoubleEquals: compares integers with floats
  if (a !== undefined && b !== undefined) return a < b ? -1 : a > b ? 1 : a == b ? 0 : Number.NaN;
  spend(0.25);
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right);
  if (isList(left) && isList(right)) return orderItems(left, right, operator);
  if (left instanceof Tuple && right instanceof Tuple) {
    return orderItems(left.items, right.items, operator);
  }
  for (const value of [left, right]) if (value instanceof Undefined) value.fail();
  const types = `'${typeName(left)}' and '${typeName(right)}'`;
  throw new TemplateError(`'${operator}' not supported between instances of ${types}`);
}

function orderItems(left: readonly Value[], right: readonly Value[], operator: string): number {
  for (const [index, item] of left.entries()) {
    const other = right[index];
    if (other === undefined) break;
    if (!equals(item, other)) return order(item, other, operator);
  }
  return left.length - right.length;
}

/** Whether a string contains a text, a dictionary a key, or anything else an item. */
export function contains(container: Value, item: Value): boolean {
  if (typeof container === 'string') {
    if (item instanceof Undefined) item.fail();
    if (typeof item === 'string') return includes(container, item);
    throw new TemplateError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (container instanceof Dict) return container.has(item);
  return itemsOf(container).some((other) => equals(other, item));
}

/** Sorts stably in ascending order, or in descending order that keeps equal items as they are. */
export function sorted<Item>(
  items: readonly Item[],
  key: (item: Item) => Value,
  isReverse: boolean,
): Item[] {
  claimItems(16 * items.length);
  const keyed = items.map((item) => ({ item, key: key(item) }));
  keyed.sort((a, b) => (isReverse ? order(b.key, a.key) : order(a.key, b.key)) || 0);
  return keyed.map(({ item }) => item);
}
