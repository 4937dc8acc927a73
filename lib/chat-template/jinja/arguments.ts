// Reads the arguments of methods, filters, tests and global functions.

import { TemplateError } from './errors.js';
import { claimItems, claimText } from './meter.js';
import { codePoints, isPlain } from './text.js';
import { type Args, isTrue, Markup, typeName, Undefined, type Value } from './values.js';

/** The arguments of one call, by the names of their parameters. */
export class Bound {
  readonly #name: string;
  readonly #values = new Map<string, Value>();

  /** @throws TemplateError for an argument without a parameter, or one that is given twice */
  constructor(name: string, { positional, keywords }: Args, parameters: readonly string[]) {
    this.#name = name;
    if (positional.length > parameters.length) {
      throw new TemplateError(`${name}() takes at most ${parameters.length} argument(s)`);
    }
    for (const [index, value] of positional.entries()) {
      this.#values.set(parameters[index] as string, value);
    }
    for (const [key, value] of keywords) {
      if (!parameters.includes(key) || this.#values.has(key)) {
        throw new TemplateError(`${name}() got an unexpected keyword argument '${key}'`);
      }
      this.#values.set(key, value);
    }
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  value(key: string): Value;
  value(key: string, standard: Value): Value;
  value(key: string, standard?: Value): Value {
    const value = this.#values.get(key) ?? (this.has(key) ? null : standard);
    if (value === undefined) throw new TemplateError(`${this.#name}() needs the argument ${key}`);
    return value;
  }

  text(key: string, standard?: string): string {
    const value = standard === undefined ? this.value(key) : this.value(key, standard);
    return typeof value === 'string' ? value : this.#refuse(key, value);
  }

  /** A text, or undefined if the argument is none or missing. */
  optionalText(key: string): string | undefined {
    return this.value(key, null) === null ? undefined : this.text(key);
  }

  integer(key: string, standard?: number): number {
    const value = standard === undefined ? this.value(key) : this.value(key, BigInt(standard));
    if (typeof value === 'boolean') return Number(value);
    return typeof value === 'bigint' ? Number(value) : this.#refuse(key, value);
  }

  /** An integer, or undefined if the argument is none or missing. */
  optionalInteger(key: string): number | undefined {
    return this.value(key, null) === null ? undefined : this.integer(key);
  }

  flag(key: string, standard = false): boolean {
    return isTrue(this.value(key, standard));
  }

  #refuse(key: string, value: Value): never {
    if (value instanceof Undefined) value.fail();
    if (value instanceof Markup) {
      throw new TemplateError('computing with the result of safe or escape is not supported');
    }
    throw new TemplateError(`${this.#name}() does not take a ${typeName(value)} for ${key}`);
  }
}

/** The first index of a slice and that before which it ends; negative ones count from the end. */
export function sliceBounds(
  length: number,
  start: number | undefined,
  stop: number | undefined,
  step: number,
): { from: number; to: number } {
  if (step === 0) throw new TemplateError('slice step cannot be zero');
  const isBackward = step < 0;
  const [lowest, highest] = isBackward ? [-1, length - 1] : [0, length];
  const clamp = (bound: number): number =>
    Math.min(highest, Math.max(lowest, bound < 0 ? bound + length : bound));
  const from = start === undefined ? (isBackward ? highest : lowest) : clamp(start);
  const to = stop === undefined ? (isBackward ? lowest : highest) : clamp(stop);
  return { from, to };
}

/** The items of a slice. */
export function sliced<Item>(
  items: readonly Item[],
  start: number | undefined,
  stop: number | undefined,
  step = 1,
): Item[] {
  const { from, to } = sliceBounds(items.length, start, stop, step);
  const chosen: Item[] = [];
  for (let index = from; step < 0 ? index > to : index < to; index += step) {
    claimItems(1);
    chosen.push(items[index] as Item);
  }
  return chosen;
}

/** The part of a text between two positions of code points. */
export function slicedText(
  text: string,
  start: number | undefined,
  stop: number | undefined,
  step = 1,
): string {
  claimText(text.length);
  if (step !== 1 || !isPlain(text)) return sliced(codePoints(text), start, stop, step).join('');
  const { from, to } = sliceBounds(text.length, start, stop, step);
  return text.slice(from, Math.max(from, to));
}
