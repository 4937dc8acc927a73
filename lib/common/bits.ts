// Sets of small integers, such as token ids, with one bit each: number n is bit n & 7 of byte n >> 3.

/** An empty set for numbers below `size`. */
export const emptyBits = (size: number): Uint8Array => new Uint8Array(Math.ceil(size / 8));

/** The set of these numbers, all of them below `size`. */
export function bitsOf(numbers: Iterable<number>, size: number): Uint8Array {
  const bits = emptyBits(size);
  for (const number of numbers) addBit(bits, number);
  return bits;
}

export function addBit(bits: Uint8Array, number: number): void {
  bits[number >> 3] = (bits[number >> 3] as number) | (1 << (number & 7));
}

export function deleteBit(bits: Uint8Array, number: number): void {
  bits[number >> 3] = (bits[number >> 3] as number) & ~(1 << (number & 7));
}

/** Whether a number is in the set; false for any beyond its size. */
export const hasBit = (bits: Uint8Array, number: number): boolean =>
  ((bits[number >> 3] ?? 0) & (1 << (number & 7))) !== 0;

/** How many numbers are in the set. */
export function countBits(bits: Uint8Array): number {
  let count = 0;
  for (let byte of bits) {
    for (; byte !== 0; byte &= byte - 1) count++;
  }
  return count;
}

/** The set that `combine` makes of two sets of one size, byte by byte. */
export const combineBits = (
  a: Uint8Array,
  b: Uint8Array,
  combine: (a: number, b: number) => number,
): Uint8Array => a.map((byte, index) => combine(byte, b[index] as number));
