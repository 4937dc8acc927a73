// The functions that every template finds: `range`, `dict`, `namespace`, `cycler`, `joiner`.

import { Bound } from './arguments.js';
import { TemplateError } from './errors.js';
import {
  type Args,
  Callable,
  Dict,
  HostObject,
  itemsOf,
  Namespace,
  Range,
  typeName,
  Undefined,
  type Value,
} from './values.js';

function range(args: Args): Value {
  const bound = new Bound('range', args, ['start', 'stop', 'step']);
  const integer = (key: string, standard?: Value): bigint => {
    const value = standard === undefined ? bound.value(key) : bound.value(key, standard);
    if (value instanceof Undefined) value.fail();
    if (typeof value === 'bigint' || typeof value === 'boolean') return BigInt(value);
    throw new TemplateError(`'${typeName(value)}' object cannot be interpreted as an integer`);
  };
  if (!bound.has('stop')) return new Range(0n, integer('start'), 1n);
  const step = integer('step', 1n);
  if (step === 0n) throw new TemplateError('range() arg 3 must not be zero');
  return new Range(integer('start'), integer('stop'), step);
}

/** A dictionary of another one's entries, or of pairs, and of keyword arguments. */
function dict({ positional, keywords }: Args): Dict {
  const [source, ...others] = positional;
  if (others.length > 0) throw new TemplateError('dict expected at most 1 argument');
  const copy = new Dict(source instanceof Dict ? source.entries() : pairsOf(source));
  for (const [key, value] of keywords) copy.set(key, value);
  return copy;
}

const pairsOf = (source: Value | undefined): [Value, Value][] =>
  source === undefined
    ? []
    : itemsOf(source).map((pair) => {
        const [key, value, ...others] = itemsOf(pair);
        if (key !== undefined && value !== undefined && others.length === 0) return [key, value];
        throw new TemplateError('expected pairs of a key and a value');
      });

/** Returns its items in turn, and begins again after the last. */
class Cycler extends HostObject {
  readonly typeName = 'Cycler';
  #position = 0;

  constructor(readonly items: readonly Value[]) {
    super();
    if (items.length === 0) throw new TemplateError('at least one item has to be provided');
  }

  attribute(name: string): Value | undefined {
    const current = this.items[this.#position] as Value;
    if (name === 'current') return current;
    if (name === 'next') {
      return new Callable('next', () => {
        const item = this.items[this.#position] as Value;
        this.#position = (this.#position + 1) % this.items.length;
        return item;
      });
    }
    if (name !== 'reset') return undefined;
    return new Callable('reset', () => {
      this.#position = 0;
      return null;
    });
  }
}

/** A function that returns nothing at its first call, then a separator. */
function joiner(args: Args): Value {
  const separator = new Bound('joiner', args, ['sep']).value('sep', ', ');
  let isUsed = false;
  return new Callable('joiner', () => {
    const text = isUsed ? separator : '';
    isUsed = true;
    return text;
  });
}

const unsupported = (): never => {
  throw new TemplateError('lipsum and self are not supported');
};

/** The global functions, by name. */
export const globals: ReadonlyMap<string, Value> = new Map(
  Object.entries({
    range,
    dict,
    joiner,
    lipsum: unsupported,
    self: unsupported,
    namespace: (args: Args) => new Namespace(dict(args)),
    cycler: ({ positional }: Args) => new Cycler(positional),
  }).map(([name, call]) => [name, new Callable(name, call)]),
);
