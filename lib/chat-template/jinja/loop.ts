// The variable `loop`. Items are read from the iterator only as far as a template asks, because
// reading them may depend on what the body did before.

import { TemplateError } from './errors.js';
import { claimItems } from './meter.js';
import { equals } from './operators.js';
import type { Stepwise } from './rendering.js';
import { type Args, Callable, HostObject, isList, Undefined, type Value } from './values.js';

/** A running loop. */
export class Loop extends HostObject {
  readonly typeName = 'LoopContext';
  readonly #iterator: Iterator<Value>;
  readonly #depth: number;
  readonly #recurse: ((items: Value, depth: number) => Stepwise<string>) | undefined;
  readonly #pulled: Value[] = [];
  #index = -1;
  #changeKey: Value | undefined;

  /** @param recurse runs the loop on other items, for recursive loops */
  constructor(
    iterator: Iterator<Value>,
    depth: number,
    recurse?: (items: Value, depth: number) => Stepwise<string>,
  ) {
    super();
    this.#iterator = iterator;
    this.#depth = depth;
    this.#recurse = recurse;
  }

  /** Moves to the next item; undefined after the last one. */
  next(): Value | undefined {
    const item = this.#at(this.#index + 1);
    if (item !== undefined) this.#index++;
    return item;
  }

  /** Runs the loop on other items. */
  again(args: Args): Stepwise<string> {
    const [items] = args.positional;
    if (this.#recurse === undefined || items === undefined) {
      throw new TemplateError('only a loop with the recursive marker can be called');
    }
    return this.#recurse(items, this.#depth + 1);
  }

  attribute(name: string): Value | undefined {
    switch (name) {
      case 'index':
        return BigInt(this.#index + 1);
      case 'index0':
        return BigInt(this.#index);
      case 'first':
        return this.#index === 0;
      case 'last':
        return this.#at(this.#index + 1) === undefined;
      case 'length':
        return BigInt(this.#length());
      case 'revindex':
        return BigInt(this.#length() - this.#index);
      case 'revindex0':
        return BigInt(this.#length() - this.#index - 1);
      case 'previtem':
        return this.#at(this.#index - 1) ?? this.#missing('previous', this.#index - 1);
      case 'nextitem':
        return this.#at(this.#index + 1) ?? this.#missing('next', this.#index + 1);
      case 'depth':
        return BigInt(this.#depth + 1);
      case 'depth0':
        return BigInt(this.#depth);
      case 'cycle':
        return new Callable('cycle', ({ positional }) => this.#cycle(positional));
      case 'changed':
        return new Callable('changed', ({ positional }) => this.#changed(positional));
      default:
        return undefined;
    }
  }

  /** none, if that is the item at the index. */
  #missing(which: string, index: number): Value {
    return this.#at(index) === null ? null : new Undefined(`there is no ${which} item`);
  }

  #at(index: number): Value | undefined {
    while (this.#pulled.length <= index) {
      const next = this.#iterator.next();
      if (next.done) return undefined;
      claimItems(1);
      this.#pulled.push(next.value);
    }
    return this.#pulled[index];
  }

  #length(): number {
    this.#at(Number.POSITIVE_INFINITY);
    return this.#pulled.length;
  }

  #cycle(items: readonly Value[]): Value {
    const item = items[this.#index % items.length];
    if (item === undefined) throw new TemplateError('no items for cycling given');
    return item;
  }

  #changed(values: Value): boolean {
    const before = this.#changeKey;
    this.#changeKey = values;
    return before === undefined || !isList(before) || !equals(before, values);
  }
}
