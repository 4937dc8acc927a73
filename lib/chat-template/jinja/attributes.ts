// Attributes, items and slices of values: what `.name`, `[index]` and `[from:to]` find. An
// attribute is looked up among methods first, an item among the items first, as in Jinja2.

import { Bound, sliceBounds, sliced, slicedText } from './arguments.js';
import { TemplateError } from './errors.js';
import { equals } from './operators.js';
import { repr } from './print.js';
import { stringMethods } from './string-methods.js';
import { isPlain } from './text.js';
import {
  type Args,
  Callable,
  Dict,
  DictView,
  Group,
  HostObject,
  Iter,
  isList,
  Markup,
  Range,
  sequenceOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.js';

/** Methods that exist in Jinja2 but not here; those that change a value are forbidden there, too. */
const unsupported: Readonly<Record<string, readonly string[]>> = {
  str: [
    ...['casefold', 'encode', 'expandtabs', 'format_map', 'isidentifier', 'isnumeric'],
    ...['isprintable', 'istitle', 'maketrans', 'swapcase', 'translate'],
  ],
  list: ['append', 'clear', 'extend', 'insert', 'pop', 'remove', 'reverse', 'sort'],
  dict: ['clear', 'fromkeys', 'pop', 'popitem', 'setdefault', 'update'],
  int: [
    ...['as_integer_ratio', 'bit_count', 'bit_length', 'conjugate', 'denominator', 'from_bytes'],
    ...['imag', 'numerator', 'real', 'to_bytes'],
  ],
  float: ['as_integer_ratio', 'conjugate', 'fromhex', 'hex', 'imag', 'is_integer', 'real'],
  range: ['count', 'index', 'start', 'step', 'stop'],
  dict_keys: ['isdisjoint', 'mapping'],
  dict_items: ['isdisjoint', 'mapping'],
  dict_values: ['mapping'],
};

type Method = (args: Args) => Value;

function sequenceMethod(items: readonly Value[], name: string): Method | undefined {
  const isSought = (args: Args) => {
    const sought = new Bound(name, args, ['value']).value('value');
    return (item: Value) => equals(item, sought);
  };
  if (name === 'count') return (args) => BigInt(items.filter(isSought(args)).length);
  if (name !== 'index') return undefined;
  return (args) => {
    const at = items.findIndex(isSought(args));
    if (at < 0) throw new TemplateError('the value is not in the list');
    return BigInt(at);
  };
}

function dictMethod(dict: Dict, name: string): Method | undefined {
  switch (name) {
    case 'get':
      return (args) => {
        const bound = new Bound('get', args, ['key', 'default']);
        return dict.get(bound.value('key')) ?? bound.value('default', null);
      };
    case 'items':
    case 'keys':
    case 'values':
      return (args) => {
        new Bound(name, args, []);
        return new DictView(name, dict);
      };
    case 'copy':
      return () => dict;
    default:
      return undefined;
  }
}

function findMethod(object: Value, name: string): Method | undefined {
  if (typeof object === 'string') {
    const found = stringMethods.get(name);
    return found && ((args) => found(object, args));
  }
  if (isList(object) && name === 'copy') return () => object;
  if (isList(object)) return sequenceMethod(object, name);
  if (object instanceof Tuple) return sequenceMethod(object.items, name);
  return object instanceof Dict ? dictMethod(object, name) : undefined;
}

/** The method or attribute of this name, apart from a dictionary's items. */
function ownAttribute(object: Value, name: string): Value | undefined {
  const type = typeName(object);
  const isOpaque = object instanceof Callable || object instanceof Iter || object instanceof Markup;
  // Names in double underscores belong to the language in which Jinja2 is implemented.
  const isHidden = name.startsWith('__') && !(object instanceof Dict && object.has(name));
  if (isOpaque || isHidden || unsupported[type]?.includes(name)) {
    throw new TemplateError(`the attribute ${name} of a ${type} is not supported`);
  }
  if (object instanceof HostObject) return object.attribute(name);
  if (object instanceof Group && (name === 'grouper' || name === 'list')) return object[name];
  const method = findMethod(object, name);
  return method && new Callable(name, method);
}

/** The value of `object.name`. */
export function getAttribute(object: Value, name: string): Value {
  if (object instanceof Undefined) object.fail();
  const own = ownAttribute(object, name);
  if (own !== undefined) return own;
  const item = object instanceof Dict ? object.get(name) : undefined;
  return item === undefined ? missing(object, name) : item;
}

/** The value of `object[key]`. */
export function getItem(object: Value, key: Value): Value {
  if (object instanceof Undefined) object.fail();
  if (object instanceof Dict) {
    const item = isHashable(key) ? object.get(key) : undefined;
    if (item !== undefined) return item;
  } else if (object instanceof Markup) {
    throw new TemplateError('taking a part of the result of safe or escape is not supported');
  } else if (typeof key === 'bigint' || typeof key === 'boolean') {
    const item = itemAt(object, Number(key));
    if (item !== undefined) return item;
  }
  if (typeof key === 'string') {
    const own = ownAttribute(object, key);
    if (own !== undefined) return own;
  }
  return missing(object, key);
}

const isHashable = (key: Value): boolean => !isList(key) && !(key instanceof Dict);

/** An item by its index, which a dictionary's have not; negative indices count from the end. */
function itemAt(object: Value, index: number): Value | undefined {
  if (object instanceof Dict || object instanceof DictView) return undefined;
  if (typeof object === 'string' && isPlain(object)) return object.at(index);
  if (!(object instanceof Range)) return sequenceOf(object)?.at(index);
  const at = index < 0 ? index + object.length : index;
  return at >= 0 && at < object.length ? object.at(at) : undefined;
}

function missing(object: Value, key: Value): Undefined {
  const what = typeof key === 'string' ? `no attribute '${key}'` : `no element ${repr(key)}`;
  return new Undefined(`'${typeName(object)} object' has ${what}`);
}

/** The value of `object[start:stop:step]`. */
export function getSlice(object: Value, bounds: readonly (Value | undefined)[]): Value {
  if (object instanceof Undefined) object.fail();
  const [start, stop, step] = bounds.map((bound) => {
    if (bound === undefined || bound === null) return undefined;
    if (typeof bound === 'bigint' || typeof bound === 'boolean') return Number(bound);
    if (bound instanceof Undefined) return bound.fail();
    throw new TemplateError(`slice indices must be integers, not ${typeName(bound)}`);
  });
  if (typeof object === 'string') return slicedText(object, start, stop, step);
  if (isList(object)) return sliced(object, start, stop, step);
  if (object instanceof Tuple) return new Tuple(sliced(object.items, start, stop, step));
  if (object instanceof Range) return slicedRange(object, start, stop, step);
  throw new TemplateError(`a ${typeName(object)} cannot be sliced`);
}

function slicedRange(range: Range, start?: number, stop?: number, step = 1): Range {
  const { from, to } = sliceBounds(range.length, start, stop, step);
  return new Range(range.at(from), range.at(to), range.step * BigInt(step));
}
