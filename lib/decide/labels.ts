// Labels and the orders that options are listed in. Pure arithmetic; `lib/decide/asks.ts` uses it.

/** The most lines of options that the orders of one question may have: 362 options in 362 orders. */
export const maxLines = 2 ** 17;

/** The most lines that the orders of all questions of a call may have together. */
export const maxLinesInAll = 2 ** 20;

const letters = 26;

/**
 * The labels of so many options: A to Z, or codes of as many letters as they require, all of the
 * same length, so that none is the beginning of another.
 */
export function labelsOf(count: number): string[] {
  let length = 1;
  while (letters ** length < count) length++;
  return Array.from({ length: count }, (_, index) => {
    let label = '';
    for (let rest = index, at = 0; at < length; at++, rest = Math.floor(rest / letters)) {
      label = String.fromCharCode(65 + (rest % letters)) + label;
    }
    return label;
  });
}

/** How many orders a question is asked in: its number of options, or a number. */
export type Orders = 'balanced' | number;

/** How many orders a question of so many options is asked in. */
export const orderCount = (orders: Orders, options: number): number =>
  orders === 'balanced' ? options : Math.min(orders, options);

/**
 * Rotations of a list of indices, evenly spaced. With as many as it is long, every index is in every
 * position once.
 */
export function rotations(indices: readonly number[], count: number): number[][] {
  const { length } = indices;
  return Array.from({ length: count }, (_, order) => {
    const start = Math.floor((order * length) / count);
    return [...indices.slice(start), ...indices.slice(0, start)];
  });
}
