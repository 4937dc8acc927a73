// What texts a grammar's rule derives, before it is written as GBNF. The parts of the converter
// make expressions; `rules.ts` writes them.

/** GBNF that stands for itself, or expressions put together. */
export type Expression =
  | string
  | { kind: 'sequence'; parts: Expression[] }
  | { kind: 'either'; parts: Expression[] }
  | { kind: 'repeat'; part: Expression; min: number; max: number }
  | { kind: 'rule'; name: string };

/** Derives nothing at all. */
export const never: Expression = { kind: 'either', parts: [] };

/** Derives the empty text. */
export const nothing: Expression = { kind: 'sequence', parts: [] };

export const sequence = (...parts: Expression[]): Expression => ({ kind: 'sequence', parts });

export function either(...parts: Expression[]): Expression {
  return parts.length === 1 ? (parts[0] as Expression) : { kind: 'either', parts };
}

export function repeat(part: Expression, min: number, max = Infinity): Expression {
  if (max === 0) return nothing;
  return min === 1 && max === 1 ? part : { kind: 'repeat', part, min, max };
}

export const optional = (part: Expression): Expression => repeat(part, 0, 1);

const escapes: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r' };

function hex(codePoint: number): string {
  return `\\U${codePoint.toString(16).toUpperCase().padStart(8, '0')}`;
}

/** A text as it stands. */
export function literal(text: string): Expression {
  if (text === '') return nothing;
  let written = '';
  for (const character of text) {
    const codePoint = character.codePointAt(0) as number;
    const isLone = codePoint >= 0xd800 && codePoint < 0xe000;
    if (isLone) throw new RangeError('A lone surrogate has no UTF-8');
    written += escapes[character] ?? (codePoint < 0x20 ? hex(codePoint) : character);
  }
  return `"${written}"`;
}

/** Code points from the first to the second, both included. */
export type Range = readonly [number, number];

/** One code point of some ranges; none for no ranges. */
export function oneOf(ranges: readonly Range[]): Expression {
  if (ranges.length === 0) return never;
  const write = (codePoint: number): string => {
    const character = String.fromCodePoint(codePoint);
    return /^[0-9A-Za-z]$/.test(character) ? character : hex(codePoint);
  };
  const parts = ranges.map(([low, high]) => write(low) + (high > low ? `-${write(high)}` : ''));
  return `[${parts.join('')}]`;
}

const lastCodePoint = 0x10ffff;

/** The same code points as ranges that ascend and neither meet nor touch. */
export function normalizeRanges(ranges: readonly Range[]): Range[] {
  const merged: [number, number][] = [];
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else if (low <= high) merged.push([low, high]);
  }
  return merged;
}

/** All that UTF-8 can have but these. */
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

/** What both have. */
export function intersect(a: readonly Range[], b: readonly Range[]): Range[] {
  return complement([...complement(a), ...complement(b)]);
}
