// Grammar expressions, from which rules are built before they are serialized as GBNF. The parts of
// the converter create them; `rules.ts` serializes them.

import type { Range } from '../common/code-points.js';

/** A piece of GBNF, or a combination of expressions. */
export type Expression =
  | string
  | { kind: 'sequence'; parts: Expression[] }
  | { kind: 'either'; parts: Expression[] }
  | { kind: 'repeat'; part: Expression; min: number; max: number }
  | { kind: 'rule'; name: string };

/** Derives no text at all. */
export const never: Expression = { kind: 'either', parts: [] };

/** Derives the empty text. */
export const nothing: Expression = { kind: 'sequence', parts: [] };

export const sequence = (...parts: Expression[]): Expression => ({ kind: 'sequence', parts });

/** {@link sequence} of any number of parts: a call has a limit of arguments. */
export const sequenceOf = (parts: Expression[]): Expression => ({ kind: 'sequence', parts });

export const either = (...parts: Expression[]): Expression => eitherOf(parts);

/** {@link either} of any number of parts. */
export const eitherOf = (parts: Expression[]): Expression =>
  parts.length === 1 ? (parts[0] as Expression) : { kind: 'either', parts };

export function repeat(part: Expression, min: number, max = Infinity): Expression {
  if (max === 0) return nothing;
  return min === 1 && max === 1 ? part : { kind: 'repeat', part, min, max };
}

export const optional = (part: Expression): Expression => repeat(part, 0, 1);

const escapes: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r' };

function hex(codePoint: number): string {
  return `\\U${codePoint.toString(16).toUpperCase().padStart(8, '0')}`;
}

/** Derives exactly this text. */
export function literal(text: string): Expression {
  if (text === '') return nothing;
  let escaped = '';
  for (const character of text) {
    const codePoint = character.codePointAt(0) as number;
    const isLone = codePoint >= 0xd800 && codePoint < 0xe000;
    if (isLone) throw new RangeError('A lone surrogate has no UTF-8 encoding');
    escaped += escapes[character] ?? (codePoint < 0x20 ? hex(codePoint) : character);
  }
  return `"${escaped}"`;
}

/** A single code point of these ranges; `never` if there are none. */
export function oneOf(ranges: readonly Range[]): Expression {
  if (ranges.length === 0) return never;
  const serialize = (codePoint: number): string => {
    const character = String.fromCodePoint(codePoint);
    return /^[0-9A-Za-z]$/.test(character) ? character : hex(codePoint);
  };
  const parts = ranges.map(([low, high]) => {
    return serialize(low) + (high > low ? `-${serialize(high)}` : '');
  });
  return `[${parts.join('')}]`;
}
