// Adapter: a LoRA adapter of a model, which any number of its LLaMas may use. `Model.loadAdapter`
// makes it, `LLaMa.setAdapters` uses it.

import { checkNumber, checkOptions, wrongRange, wrongType } from '../common/arguments.js';
import { ClosedError } from '../common/errors.js';
import type { NativeAdapter } from '../native/binding.js';
import type { Model } from './model.js';

/** The native adapter behind an Adapter. Throws ClosedError where it is closed. */
export let nativeAdapterOf: (adapter: Adapter) => NativeAdapter;

/**
 * A LoRA adapter: a small addition to a model's weights, from a GGUF file. Close it when done:
 * it is freed once no LLaMa uses it any more, and at the latest with its model.
 */
export class Adapter implements AsyncDisposable {
  /** The model that it is for. */
  readonly model: Model;
  readonly path: string;
  /** Every key and value of the file, as text; lists are left out. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #native: NativeAdapter;
  readonly #onClose: (adapter: Adapter) => void;
  #closed = false;

  static {
    nativeAdapterOf = (adapter) => {
      if (adapter.#closed) throw new ClosedError('The adapter is closed');
      return adapter.#native;
    };
  }

  /** @internal */
  constructor(
    model: Model,
    path: string,
    native: NativeAdapter,
    metadata: Record<string, string>,
    onClose: (adapter: Adapter) => void,
  ) {
    this.model = model;
    this.path = path;
    this.metadata = Object.freeze(metadata);
    this.#native = native;
    this.#onClose = onClose;
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Frees the adapter; as long as a LLaMa uses it, that goes on and the last of them frees it,
   * when it gets others or closes. Idempotent; `setAdapters` rejects with ClosedError afterwards.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose(this);
    this.#native.close();
  }

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** An adapter in use. */
export interface AdapterUse {
  adapter: Adapter;
  /** What its addition is multiplied by. Default 1. */
  scale?: number | undefined;
}

/** An adapter in use, its scale as it is. */
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
    throw wrongRange("an adapter of this LM's own model", `${name}.adapter`, adapter);
  }
  checkNumber(scale, `${name}.scale`);
  if (Math.abs(scale) > float32Max) {
    throw wrongRange('a single-precision number', `${name}.scale`, scale);
  }
  return Object.freeze({ adapter, scale });
}

/** Checks the adapters of a call; throws TypeError, RangeError or ClosedError. */
export function readAdapterUses(value: unknown, model: Model): readonly ScaledAdapter[] {
  if (!Array.isArray(value)) throw wrongType('an array of adapters', 'adapters', value);
  const uses = Array.from(value, (use, index) => readUse(use, `adapters[${index}]`, model));
  for (const [index, { adapter }] of uses.entries()) {
    nativeAdapterOf(adapter);
    if (uses.findIndex((use) => use.adapter === adapter) < index) {
      throw wrongRange('each adapter once', `adapters[${index}].adapter`, adapter);
    }
  }
  return Object.freeze(uses);
}
