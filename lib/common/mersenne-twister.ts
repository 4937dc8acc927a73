// The generator MT19937 of Matsumoto and Nishimura (1998), as C++'s std::mt19937: the same seed
// gives the same numbers.

const size = 624;
const shift = 397;

/** A generator of 32-bit numbers. */
export class MersenneTwister {
  readonly #state = new Uint32Array(size);
  #position = size;

  /** @param seed an integer from 0 to 2^32 − 1 */
  constructor(seed: number) {
    const state = this.#state;
    state[0] = seed;
    for (let index = 1; index < size; index++) {
      const last = state[index - 1] as number;
      state[index] = Math.imul(last ^ (last >>> 30), 1812433253) + index;
    }
  }

  /** The next number, an integer from 0 to 2^32 − 1. */
  next(): number {
    if (this.#position === size) this.#twist();
    let number = this.#state[this.#position++] as number;
    number ^= number >>> 11;
    number ^= (number << 7) & 0x9d2c5680;
    number ^= (number << 15) & 0xefc60000;
    return (number ^ (number >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let index = 0; index < size; index++) {
      const high = (state[index] as number) & 0x80000000;
      const low = (state[(index + 1) % size] as number) & 0x7fffffff;
      const mixed = high | low;
      const other = state[(index + shift) % size] as number;
      state[index] = other ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    }
    this.#position = 0;
  }
}

/**
 * The next number of std::generate_canonical<float>, in [0, 1), in single precision as libstdc++
 * computes it.
 */
export function nextFloat(generator: MersenneTwister): number {
  const ratio = Math.fround(generator.next()) / 2 ** 32;
  // The largest float below 1: rounding may have made it 1.
  return ratio < 1 ? ratio : 1 - 2 ** -24;
}
