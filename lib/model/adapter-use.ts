// The argument of `LLaMa.setAdapters`: its type, and its validation.

import { checkNumber, checkOptions, wrongRange, wrongType } from '../common/arguments.js';
import { Adapter, type Model, nativeAdapterOf } from './model.js';

/** An adapter to apply. */
export interface AdapterUse {
  adapter: Adapter;
  /** Multiplies the adapter's weight delta. Default 1. */
  scale?: number | undefined;
}

/** An applied adapter, with its scale resolved. */
export interface ScaledAdapter {
  readonly adapter: Adapter;
  readonly scale: number;
}

const float32Max = 3.4028234663852886e38;

function readUse(value: unknown, name: string, model: Model): ScaledAdapter {
  if (value === undefined) throw wrongType('an object', name, value);
  const { adapter, scale = 1 } = checkOptions(value as AdapterUse, name, ['adapter', 'scale']);
  if (!(adapter instanceof Adapter)) throw wrongType('an Adapter', `${name}.adapter`, adapter);
  if (adapter.model !== model) {
    throw wrongRange("an adapter of this LM's model", `${name}.adapter`, adapter);
  }
  checkNumber(scale, `${name}.scale`);
  if (Math.abs(scale) > float32Max) {
    throw wrongRange('a single-precision number', `${name}.scale`, scale);
  }
  return Object.freeze({ adapter, scale });
}

/** Validates the adapters of a call. Throws TypeError, RangeError or ClosedError. */
export function readAdapterUses(value: unknown, model: Model): readonly ScaledAdapter[] {
  if (!Array.isArray(value)) throw wrongType('an array of adapters', 'adapters', value);
  const uses = Array.from(value, (use, index) => readUse(use, `adapters[${index}]`, model));
  for (const [index, { adapter }] of uses.entries()) {
    nativeAdapterOf(adapter);
    if (uses.findIndex((use) => use.adapter === adapter) < index) {
      throw wrongRange('a distinct adapter', `adapters[${index}].adapter`, adapter);
    }
  }
  return Object.freeze(uses);
}
