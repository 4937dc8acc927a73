// The values of a template, which behave as in Jinja2: integers are exact and distinct from
// floats, tuples from lists, iterators are consumed by their first use.
//
// none is null; integers are bigints, floats numbers; lists are arrays, which nothing changes.

import { TemplateError } from './errors.js';
import { claimItems, claimText, spend } from './meter.js';
import { finish, type Stepwise } from './rendering.js';
import { codePoints, countCodePoints } from './text.js';

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly Value[]
  | Tuple
  | Dict
  | Range
  | DictView
  | Iter
  | Markup
  | Callable
  | Undefined
  | HostObject;

/** The arguments of a call. */
export interface Args {
  positional: readonly Value[];
  keywords: ReadonlyMap<string, Value>;
}

/** What a missing variable, attribute or item evaluates to: empty where it may be used at all. */
export class Undefined {
  constructor(readonly problem: string) {}

  fail(): never {
    throw new TemplateError(this.problem);
  }
}

export class Tuple {
  constructor(readonly items: readonly Value[]) {}
}

/** A group of `groupby`: the common value and the items, which have names as well. */
export class Group extends Tuple {
  constructor(
    readonly grouper: Value,
    readonly list: readonly Value[],
  ) {
    super([grouper, list]);
  }
}

/** A string to which `safe` or `escape` was applied. It may be printed, not computed with. */
export class Markup {
  constructor(readonly text: string) {}
}

/** A function or method. */
export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: Args) => Value,
  ) {}
}

/** A macro, whose body may pause. */
export class Macro extends Callable {
  constructor(
    name: string,
    readonly run: (args: Args) => Stepwise<Value>,
  ) {
    super(name, (args) => finish(run(args)));
  }
}

/** An iterator, such as the result of `map` or `select`: its items can be read once. */
export class Iter {
  constructor(readonly items: Iterator<Value>) {}
}

/** An object with attributes of its own: a namespace, a loop. */
export abstract class HostObject {
  abstract readonly typeName: string;
  abstract attribute(name: string): Value | undefined;
}

export class Namespace extends HostObject {
  readonly typeName = 'Namespace';

  constructor(readonly attributes: Dict) {
    super();
  }

  attribute(name: string): Value | undefined {
    return this.attributes.get(name);
  }
}

/** The integers from `start` to before `stop`. */
export class Range {
  readonly length: number;

  constructor(
    readonly start: bigint,
    readonly stop: bigint,
    readonly step: bigint,
  ) {
    const sign = step < 0n ? -1n : 1n;
    const span = (stop - start) * sign;
    const size = step * sign;
    const length = span <= 0n ? 0n : (span + size - 1n) / size;
    // No template needs more, and a huge one would exhaust the memory.
    if (length > 1_000_000n) throw new TemplateError('range() is too long');
    this.length = Number(length);
  }

  at(index: number): bigint {
    return this.start + BigInt(index) * this.step;
  }

  /** The items one by one: nobody waits for a million of them to be made. */
  *iterate(): Generator<bigint> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }

  items(): bigint[] {
    claimItems(4 * this.length);
    return Array.from({ length: this.length }, (_, index) => this.at(index));
  }
}

/** The keys of a tuple's items stay apart by their lengths. */
const lengthAndText = (key: string): string => `${key.length}:${key}`;

/** The identity of a dictionary key: equal for 1, 1.0 and true. */
function keyOf(value: Value): string {
  if (typeof value === 'string') {
    claimText(value.length);
    return `s${value}`;
  }
  spend(1);
  if (value === null) return 'none';
  if (value instanceof Undefined) return 'undefined';
  if (value instanceof Markup) return `s${value.text}`;
  if (typeof value === 'boolean') return value ? 'n1' : 'n0';
  if (typeof value === 'bigint') return `n${value}`;
  if (typeof value === 'number') {
    return `n${Number.isInteger(value) ? BigInt(value).toString() : String(value)}`;
  }
  if (value instanceof Tuple) {
    const key = value.items.map((item) => lengthAndText(keyOf(item))).join('');
    claimText(key.length);
    return `t${key}`;
  }
  throw new TemplateError(`unhashable type: '${typeName(value)}'`);
}

/** A dictionary, in the order of insertion. */
export class Dict {
  readonly #entries = new Map<string, [key: Value, value: Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: Value): boolean {
    return this.#entries.has(keyOf(key));
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(keyOf(key))?.[1];
  }

  set(key: Value, value: Value): void {
    const id = keyOf(key);
    this.#entries.set(id, [this.#entries.get(id)?.[0] ?? key, value]);
  }

  entries(): [Value, Value][] {
    claimItems(this.size);
    return [...this.#entries.values()];
  }

  keys(): Value[] {
    return this.entries().map(([key]) => key);
  }
}

/** The result of a dictionary's `keys`, `values` or `items`. */
export class DictView {
  constructor(
    readonly kind: 'keys' | 'values' | 'items',
    readonly dict: Dict,
  ) {}

  items(): Value[] {
    return this.dict.entries().map(([key, value]) => {
      if (this.kind === 'keys') return key;
      return this.kind === 'values' ? value : new Tuple([key, value]);
    });
  }
}

export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** The name of a value's type in messages. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string') return 'str';
  if (isList(value)) return 'list';
  if (value instanceof Tuple) return 'tuple';
  if (value instanceof Dict) return 'dict';
  if (value instanceof Range) return 'range';
  if (value instanceof DictView) return `dict_${value.kind}`;
  if (value instanceof HostObject) return value.typeName;
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Markup) return 'Markup';
  return value instanceof Callable ? 'function' : 'generator';
}

/** The number of items, or undefined if the value has no length. */
export function lengthOf(value: Value): number | undefined {
  if (typeof value === 'string') return countCodePoints(value);
  if (value instanceof Markup) return countCodePoints(value.text);
  if (isList(value) || value instanceof Range) return value.length;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof DictView) return value.dict.size;
  return value instanceof Undefined ? 0 : undefined;
}

export function isTrue(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return value !== 0n;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'string') return value !== '';
  if (value instanceof Markup) return value.text !== '';
  return value !== null && lengthOf(value) !== 0;
}

/** The items of a sequence, or undefined if the value can be iterated at most once. */
export function sequenceOf(value: Value): readonly Value[] | undefined {
  if (typeof value === 'string') return codePoints(value);
  if (isList(value)) return value;
  if (value instanceof Tuple) return value.items;
  if (value instanceof Dict) return value.keys();
  if (value instanceof DictView || value instanceof Range) return value.items();
  return value instanceof Undefined ? [] : undefined;
}

/** Iterates over a value; throws a TemplateError if that is impossible. */
export function iterate(value: Value): Iterator<Value> {
  if (value instanceof Iter) return value.items;
  if (value instanceof Range) return value.iterate();
  const items = sequenceOf(value);
  if (items === undefined) throw new TemplateError(`'${typeName(value)}' object is not iterable`);
  return items[Symbol.iterator]();
}

/** All items of a value, in an array. */
export function itemsOf(value: Value): Value[] {
  const iterator = iterate(value);
  const items: Value[] = [];
  for (let next = iterator.next(); !next.done; next = iterator.next()) {
    claimItems(1);
    items.push(next.value);
  }
  return items;
}
