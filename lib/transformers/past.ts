// Keys and values of decoded tokens, of one sequence or of several that are equally long: what
// the network goes on from. Owned by whoever holds it, and by several at once where it is shared.

import type { Numbers, Peer, PeerTensor } from './peer.js';

/** The part of each tensor that belongs to each of `rows`, of no more than `length` tokens. */
function pick(
  { Tensor }: Pick<Peer, 'Tensor'>,
  { type, dims, data }: PeerTensor,
  rows: readonly number[],
  length: number,
): PeerTensor {
  const [, heads = 0, whole = 0, size = 0] = dims;
  const kind = data.constructor as new (count: number) => Numbers;
  const picked = new kind(rows.length * heads * length * size);
  let end = 0;
  for (const row of rows) {
    for (let head = 0; head < heads; head++) {
      const start = (row * heads + head) * whole * size;
      // Both are of one kind.
      (picked as Float32Array).set(
        (data as Float32Array).subarray(start, start + length * size),
        end,
      );
      end += length * size;
    }
  }
  return new Tensor(type, picked, [rows.length, heads, length, size]);
}

/** Keys and values: per name of a model's input a tensor [rows, heads, length, size]. */
export class Past {
  /** How many sequences. */
  readonly rows: number;
  /** How many tokens each has. */
  readonly length: number;
  readonly #peer: Pick<Peer, 'Tensor'>;
  readonly #tensors: ReadonlyMap<string, PeerTensor>;
  #holders = 1;

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

  /** What the model takes in. */
  get inputs(): Record<string, PeerTensor> {
    return Object.fromEntries(this.#tensors);
  }

  /** The same, with one holder more. */
  share(): Past {
    this.#holders++;
    return this;
  }

  /** One holder less; with the last, it is gone. */
  release(): void {
    if (--this.#holders > 0) return;
    for (const tensor of this.#tensors.values()) tensor.dispose();
  }

  /**
   * These of its sequences, in this order, some perhaps several times, and the first `length`
   * tokens of them: the same where that is all there is, else a copy.
   */
  pick(rows: readonly number[], length = this.length): Past {
    const isAll = rows.length === this.rows && rows.every((row, place) => row === place);
    if (isAll && length === this.length) return this.share();
    const picked = new Map<string, PeerTensor>();
    for (const [name, tensor] of this.#tensors) {
      picked.set(name, pick(this.#peer, tensor, rows, length));
    }
    return new Past(this.#peer, picked, rows.length, length);
  }
}
