// Operations on sequences of token ids.

/** The length of the longest common prefix of two sequences. */
export function commonPrefix(a: Int32Array, b: Int32Array): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    if (a[index] !== b[index]) return index;
  }
  return length;
}

/** All sequences, concatenated. */
export const concatenate = (...parts: readonly Int32Array[]): Int32Array => concatenateAll(parts);

/** {@link concatenate} for more sequences than a call can have arguments. */
export function concatenateAll(parts: readonly Int32Array[]): Int32Array {
  const result = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    result.set(part, end);
    end += part.length;
  }
  return result;
}
