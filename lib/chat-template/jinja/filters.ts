// The filters of Jinja2 that take a sequence, and the search among all filters.

import { Bound } from './arguments.js';
import { getItem } from './attributes.js';
import { TemplateError } from './errors.js';
import { claimItems } from './meter.js';
import { binary, equals, order, sorted } from './operators.js';
import { str } from './print.js';
import { findTest } from './tests.js';
import { codePoints, join as joinTexts } from './text.js';
import { type Filter, filter, textFilters } from './text-filters.js';
import {
  type Args,
  Dict,
  Group,
  Iter,
  isTrue,
  itemsOf,
  iterate,
  lengthOf,
  sequenceOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.js';

/** Reads an attribute such as `function.name` or `0` of an item. */
function attributeReader(attribute: Value, standard?: Value): (item: Value) => Value {
  const parts: Value[] =
    typeof attribute === 'string'
      ? attribute.split('.').map((part) => (/^\d+$/.test(part) ? BigInt(part) : part))
      : [attribute];
  return (item) => {
    let value = item;
    for (const part of parts) {
      value = getItem(value, part);
      if (value instanceof Undefined && standard !== undefined) value = standard;
    }
    return value;
  };
}

const lowerCase = (value: Value): Value =>
  typeof value === 'string' ? value.toLowerCase() : value;

/** The key by which sort, unique, min and max order items. */
function keyReader(args: Bound): (item: Value) => Value {
  const attribute = args.value('attribute', null);
  const fold = args.flag('case_sensitive') ? (value: Value) => value : lowerCase;
  if (attribute === null) return fold;
  const read = attributeReader(attribute);
  return (item) => fold(read(item));
}

function sort(value: Value, args: Bound): Value {
  const attribute = args.value('attribute', null);
  const parts = typeof attribute === 'string' ? attribute.split(',') : [attribute];
  const readers = parts.map((part) =>
    part === null ? (item: Value) => item : attributeReader(part),
  );
  const lower = args.flag('case_sensitive') ? (item: Value) => item : lowerCase;
  // Keys are lists, in which equal items need not have an order.
  const key = (item: Value): Value => readers.map((read) => lower(read(item)));
  return sorted(itemsOf(value), key, args.flag('reverse'));
}

function dictsort(value: Value, args: Bound): Value {
  if (!(value instanceof Dict)) throw new TemplateError(`a ${typeName(value)} is not a mapping`);
  const by = args.text('by', 'key');
  if (by !== 'key' && by !== 'value') {
    throw new TemplateError('You can only sort by either "key" or "value"');
  }
  const fold = args.flag('case_sensitive') ? (item: Value) => item : lowerCase;
  const key = ([key, item]: [Value, Value]): Value => fold(by === 'key' ? key : item);
  return sorted(value.entries(), key, args.flag('reverse')).map((entry) => new Tuple(entry));
}

function* unique(value: Value, args: Bound): Generator<Value> {
  const key = keyReader(args);
  const seen = new Dict();
  for (const item of itemsOf(value)) {
    if (seen.has(key(item))) continue;
    seen.set(key(item), null);
    yield item;
  }
}

/** The least item, or the greatest one if `direction` is negative. */
const extreme = (name: string, direction: 1 | -1): Filter =>
  filter(name, ['case_sensitive', 'attribute'], (value, args) => {
    const key = keyReader(args);
    const [first, ...others] = itemsOf(value);
    if (first === undefined) return new Undefined('No aggregated item, sequence was empty.');
    return others.reduce(
      (best, item) => (order(key(item), key(best)) * direction < 0 ? item : best),
      first,
    );
  });

function* batches(items: readonly Value[], size: number, fill: Value): Generator<Value> {
  for (let start = 0; start < items.length; start += size) {
    claimItems(Math.min(size, items.length) + 8);
    const batch = items.slice(start, start + size);
    while (fill !== null && batch.length < size) {
      claimItems(1);
      batch.push(fill);
    }
    yield batch;
  }
}

function* slices(items: readonly Value[], count: number, fill: Value): Generator<Value> {
  const size = Math.floor(items.length / count);
  const larger = items.length % count;
  for (let index = 0; index < count; index++) {
    claimItems(size + 8);
    const start = index * size + Math.min(index, larger);
    const slice = items.slice(start, start + size + (index < larger ? 1 : 0));
    if (fill !== null && index >= larger) slice.push(fill);
    yield slice;
  }
}

function groupby(value: Value, args: Bound): Value {
  const standard = args.has('default') ? args.value('default') : undefined;
  const read = attributeReader(args.value('attribute'), standard);
  const fold = args.flag('case_sensitive') ? (item: Value) => item : lowerCase;
  const groups: { key: Value; items: Value[] }[] = [];
  for (const item of sorted(itemsOf(value), (item) => fold(read(item)), false)) {
    const last = groups.at(-1);
    if (last !== undefined && equals(fold(last.key), fold(read(item)))) last.items.push(item);
    else groups.push({ key: read(item), items: [item] });
  }
  return groups.map(({ key, items }) => new Group(key, items));
}

const rest = ({ positional, keywords }: Args, count: number): Args => ({
  positional: positional.slice(count),
  keywords,
});

/** Lazily, as items that change what follows must not be read too early. */
function* mapped(value: Value, change: (item: Value) => Value): Generator<Value> {
  const items = iterate(value);
  for (let next = items.next(); !next.done; next = items.next()) yield change(next.value);
}

const map: Filter = (value, args) => {
  const [name, ...others] = args.positional;
  let change: (item: Value) => Value;
  if (name === undefined && args.keywords.has('attribute')) {
    const bound = new Bound('map', args, ['attribute', 'default']);
    const standard = args.keywords.get('default');
    change = attributeReader(bound.value('attribute'), standard);
  } else if (typeof name === 'string') {
    const apply = findFilter(name);
    change = (item) => apply(item, { positional: others, keywords: args.keywords });
  } else {
    throw new TemplateError('map requires a filter argument');
  }
  return new Iter(isTrue(value) ? mapped(value, change) : mapped([], change));
};

function* chosen(value: Value, isChosen: (item: Value) => boolean): Generator<Value> {
  const items = iterate(value);
  for (let next = items.next(); !next.done; next = items.next()) {
    if (isChosen(next.value)) yield next.value;
  }
}

/** The items, or an attribute of theirs, for which a test holds or does not hold. */
const selector =
  (keeps: boolean, hasAttribute: boolean): Filter =>
  (value, args) => {
    const [attribute, ...more] = hasAttribute ? args.positional : [null, ...args.positional];
    if (attribute === undefined) throw new TemplateError('Missing parameter for attribute name');
    const read = hasAttribute ? attributeReader(attribute) : (item: Value) => item;
    const [name] = more;
    const testArgs = rest({ ...args, positional: more }, 1);
    const holds = (item: Value): boolean =>
      name === undefined ? isTrue(item) : findTest(str(name))(item, testArgs);
    const items = isTrue(value) ? value : [];
    return new Iter(chosen(items, (item) => holds(read(item)) === keeps));
  };

function join(value: Value, args: Bound): Value {
  const attribute = args.value('attribute', null);
  const read = attribute === null ? (item: Value) => item : attributeReader(attribute);
  const items = itemsOf(value).map((item) => str(read(item)));
  return joinTexts(items, str(args.value('d', '')));
}

function last(value: Value): Value {
  const items = sequenceOf(value);
  if (items === undefined) throw new TemplateError(`'${typeName(value)}' is not reversible`);
  const item = items.at(-1);
  return item === undefined ? new Undefined('No last item, sequence was empty.') : item;
}

function reverse(value: Value): Value {
  if (typeof value === 'string') return codePoints(value).reverse().join('');
  return new Iter(itemsOf(value).reverse()[Symbol.iterator]());
}

function length(value: Value): Value {
  const count = lengthOf(value);
  if (count === undefined) {
    throw new TemplateError(`object of type '${typeName(value)}' has no len()`);
  }
  return BigInt(count);
}

function items(value: Value): Value {
  if (value instanceof Undefined) return new Iter([][Symbol.iterator]());
  if (!(value instanceof Dict)) throw new TemplateError('Can only get item pairs from a mapping.');
  return new Iter(
    value
      .entries()
      .map((entry) => new Tuple(entry))
      [Symbol.iterator](),
  );
}

function sum(value: Value, args: Bound): Value {
  const attribute = args.value('attribute', null);
  const read = attribute === null ? (item: Value) => item : attributeReader(attribute);
  const start = args.value('start', 0n);
  return itemsOf(value).reduce<Value>((total, item) => binary('+', total, read(item)), start);
}

const standard = filter('default', ['default_value', 'boolean'], (value, args) => {
  const isMissing = value instanceof Undefined || (args.flag('boolean') && !isTrue(value));
  return isMissing ? args.value('default_value', '') : value;
});

const filters: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...textFilters,
  ['attr', filter('attr', ['name'], attr)],
  [
    'batch',
    filter('batch', ['linecount', 'fill_with'], (value, args) => {
      const size = Math.max(1, args.integer('linecount'));
      return new Iter(batches(itemsOf(value), size, args.value('fill_with', null)));
    }),
  ],
  ['count', filter('count', [], length)],
  ['d', standard],
  ['default', standard],
  ['dictsort', filter('dictsort', ['case_sensitive', 'by', 'reverse'], dictsort)],
  ['first', filter('first', [], first)],
  ['groupby', filter('groupby', ['attribute', 'default', 'case_sensitive'], groupby)],
  ['items', filter('items', [], items)],
  ['join', filter('join', ['d', 'attribute'], join)],
  ['last', filter('last', [], last)],
  ['length', filter('length', [], length)],
  ['list', filter('list', [], itemsOf)],
  ['map', map],
  ['max', extreme('max', -1)],
  ['min', extreme('min', 1)],
  ['reject', selector(false, false)],
  ['rejectattr', selector(false, true)],
  ['reverse', filter('reverse', [], reverse)],
  ['select', selector(true, false)],
  ['selectattr', selector(true, true)],
  [
    'slice',
    filter('slice', ['slices', 'fill_with'], (value, args) => {
      const count = Math.max(1, args.integer('slices'));
      return new Iter(slices(itemsOf(value), count, args.value('fill_with', null)));
    }),
  ],
  ['sort', filter('sort', ['reverse', 'case_sensitive', 'attribute'], sort)],
  ['sum', filter('sum', ['attribute', 'start'], sum)],
  [
    'unique',
    filter(
      'unique',
      ['case_sensitive', 'attribute'],
      (value, args) => new Iter(unique(value, args)),
    ),
  ],
]);

function first(value: Value): Value {
  const next = iterate(value).next();
  return next.done ? new Undefined('No first item, sequence was empty.') : next.value;
}

/** An attribute of its own, never an item. */
function attr(value: Value, args: Bound): Value {
  if (value instanceof Dict || value instanceof Undefined) {
    throw new TemplateError(`attr of a ${typeName(value)} is not supported`);
  }
  return getItem(value, args.text('name'));
}

/** Finds a filter; throws a TemplateError. */
export function findFilter(name: string): Filter {
  const found = filters.get(name);
  if (found === undefined) throw new TemplateError(`the filter ${name} is not supported`);
  return found;
}
