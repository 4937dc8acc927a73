// The past: keys and values (past_key_values) of one or more equally long decoded sequences, which
// a forward pass continues. Reference-counted: `Engine`, `PrefixCache` and `levels.ts` share it.

import type { Numbers, Peer, PeerTensor } from './peer.js';

/** Copies these rows of a tensor, truncated to `length` tokens. */
function pick(
  { Tensor }: Pick<Peer, 'Tensor'>,
  { type, dims, data }: PeerTensor,
  rows: readonly number[],
  length: number,
): PeerTensor {
  const [, heads = 0, whole = 0, size = 0] = dims;
  const ArrayType = data.constructor as new (count: number) => Numbers;
  const picked = new ArrayType(rows.length * heads * length * size);
  let end = 0;
  for (const row of rows) {
    for (let head = 0; head < heads; head++) {
      const start = (row * heads + head) * whole * size;
      // Both arrays have the same type.
      (picked as Float32Array).set(
        (data as Float32Array).subarray(start, start + length * size),
        end,
      );
      end += length * size;
    }
  }
  return new Tensor(type, picked, [rows.length, heads, length, size]);
}

/** Keys and values: for each state input of the model, a tensor [rows, heads, length, size]. */
export class Past {
  /** The number of sequences. */
  readonly rows: number;
  /** The number of tokens of each. */
  readonly length: number;
  readonly #peer: Pick<Peer, 'Tensor'>;
  readonly #tensors: ReadonlyMap<string, PeerTensor>;
  #references = 1;

  constructor(
    peer: Pick<Peer, 'Tensor'>,
    tensors: ReadonlyMap<string, PeerTensor>,
    rows: number,
    length: number,
  ) {
    this.#peer = peer;
    this.#tensors = tensors;
    this.rows = rows;
    this.length = length;
  }

  /** The model's state inputs. */
  get inputs(): Record<string, PeerTensor> {
    return Object.fromEntries(this.#tensors);
  }

  /** Adds a reference. */
  share(): Past {
    this.#references++;
    return this;
  }

  /** Drops a reference; the last one disposes of the tensors. */
  release(): void {
    if (--this.#references > 0) return;
    for (const tensor of this.#tensors.values()) tensor.dispose();
  }

  /**
   * Selects rows, in this order and with repetitions, truncated to `length` tokens. Returns a new
   * reference to this past if that is all of it, else a copy.
   */
  pick(rows: readonly number[], length = this.length): Past {
    const isAll = rows.length === this.rows && rows.every((row, index) => row === index);
    if (isAll && length === this.length) return this.share();
    const picked = new Map<string, PeerTensor>();
    for (const [name, tensor] of this.#tensors) {
      picked.set(name, pick(this.#peer, tensor, rows, length));
    }
    return new Past(this.#peer, picked, rows.length, length);
  }
}
