// Long-running work: thousands of choices with few shared prefixes.

/** `count` paths of `depth` pseudo-random tokens below `size`, the same in each call. */
export function manyPaths(count: number, depth: number, size: number): Int32Array[] {
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * size);
  };
  return Array.from({ length: count }, () => Int32Array.from({ length: depth }, next));
}
