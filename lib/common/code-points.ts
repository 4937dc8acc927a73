// Sets of code points as ranges. The converter of JSON Schema and the regular expressions of
// vocabularies use them.

/** An inclusive range of code points. */
export type Range = readonly [number, number];

const lastCodePoint = 0x10ffff;

/** The same code points as ascending, disjoint and non-adjacent ranges. */
export function normalizeRanges(ranges: readonly Range[]): Range[] {
  const merged: [number, number][] = [];
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else if (low <= high) merged.push([low, high]);
  }
  return merged;
}

/** All code points that UTF-8 can encode, except these. */
export function complement(ranges: readonly Range[]): Range[] {
  const gaps: Range[] = [];
  let next = 0;
  for (const [low, high] of normalizeRanges([...ranges, [0xd800, 0xdfff]])) {
    if (low > next) gaps.push([next, low - 1]);
    next = high + 1;
  }
  if (next <= lastCodePoint) gaps.push([next, lastCodePoint]);
  return gaps;
}

/** The code points in both. */
export function intersect(a: readonly Range[], b: readonly Range[]): Range[] {
  return complement([...complement(a), ...complement(b)]);
}

/** `\d` of ECMA-262. */
export const digitRanges: readonly Range[] = [[0x30, 0x39]];

/** `\w` of ECMA-262. */
export const wordRanges: readonly Range[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];

/** `\s` of ECMA-262. */
export const spaceRanges: readonly Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];

/** What `.` of ECMA-262 does not match. */
export const lineEnds: readonly Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];

/** The code points of the escapes `\d`, `\w` and `\s`, by letter. */
export const escapedClasses: Readonly<Record<string, readonly Range[]>> = {
  d: digitRanges,
  w: wordRanges,
  s: spaceRanges,
};

/** The code points of the escapes `\t`, `\n`, `\v`, `\f` and `\r`, by letter. */
export const escapedControls: Readonly<Record<string, number>> = {
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
};
