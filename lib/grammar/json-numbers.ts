// Expressions for JSON numbers within bounds, built digit by digit. The converter uses them.

import {
  type Expression,
  either,
  literal,
  nothing,
  optional,
  repeat,
  sequence,
} from './expression.js';

/** One end of a range. */
export interface Bound {
  value: number;
  isExclusive: boolean;
}

export interface NumberRange {
  min?: Bound | undefined;
  max?: Bound | undefined;
}

/** The number of decimal digits that every double preserves. */
const safeDigits = 15;
/** Bounds with more decimal places would make grammars too slow. */
export const maxPlaces = 40;
const digit = '[0-9]';

/** Numbers without bounds: up to `safeDigits` digits, and an exponent that stays finite. */
export const anyInteger = sequence(
  '"-"?',
  either('"0"', sequence('[1-9]', repeat(digit, 0, safeDigits - 1))),
);
export const anyNumber = sequence(
  anyInteger,
  optional(sequence('"."', repeat(digit, 1, safeDigits))),
  optional(sequence('[eE]', '[-+]?', repeat(digit, 1, 2))),
);

/** The number of decimal places of a finite number. */
export function placesOf(value: number): number {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  const places = (mantissa.split('.')[1] ?? '').length;
  return Math.max(0, places - Number(exponent));
}

/** `value · 10^places`, rounded up or down to an integer. */
function scale(value: number, places: number, isUp: boolean): bigint {
  const [mantissa = '', exponent = '0'] = String(Math.abs(value)).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const shift = Number(exponent) - fraction.length + places;
  const digits = BigInt(whole + fraction);
  let scaled = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
  const isExact = shift >= 0 || scaled * 10n ** BigInt(-shift) === digits;
  // So far it is truncated towards 0.
  if (!isExact && isUp === value > 0) scaled += 1n;
  return value < 0 ? -scaled : scaled;
}

const between = (low: number, high: number): Expression =>
  low === high ? literal(String(low)) : `[${low}-${high}]`;

/** `count` digits, with a decimal point before the last `places` if there are more than those. */
function anyDigits(count: number, places: number): Expression {
  if (places === 0 || count < places) return repeat(digit, count, count);
  return sequence(
    repeat(digit, count - places, count - places),
    '"."',
    repeat(digit, places, places),
  );
}

/** How many digits two strings have in common at the beginning, at most `max`. */
function sharedDigits(a: string, b: string, max: number): number {
  let count = 0;
  while (count < max && a[count] === b[count]) count++;
  return count;
}

/** Digit strings of equal length from `low` to `high`, with a point before the last `places`. */
function digits(low: string, high: string, places: number): Expression {
  if (low === '') return nothing;
  if (places > 0 && low.length === places) return sequence('"."', digits(low, high, 0));
  // At once, since the digits of a large bound are mostly zeros, and each would nest a group.
  const shared = sharedDigits(low, high, low.length - places);
  if (shared > 1) {
    const tail = digits(low.slice(shared), high.slice(shared), places);
    return sequence(literal(low.slice(0, shared)), tail);
  }
  const rest = low.length - 1;
  const first = Number(low[0]);
  const last = Number(high[0]);
  const [lows, highs] = [low.slice(1), high.slice(1)];
  if (first === last) return sequence(between(first, first), digits(lows, highs, places));
  const [zeros, nines] = ['0'.repeat(rest), '9'.repeat(rest)];
  // The range of first digits that any digits may follow.
  const from = lows === zeros ? first : first + 1;
  const to = highs === nines ? last : last - 1;
  const parts: Expression[] = [];
  if (from > first) parts.push(sequence(between(first, first), digits(lows, nines, places)));
  if (from <= to) parts.push(sequence(between(from, to), anyDigits(rest, places)));
  if (to < last) parts.push(sequence(between(last, last), digits(zeros, highs, places)));
  return either(...parts);
}

/** `n / 10^places` for non-negative n from `low` to `high`, with exactly `places` places. */
function scaledBetween(low: bigint, high: bigint, places: number): Expression[] {
  const parts: Expression[] = [];
  for (
    let length = Math.max(String(low).length, places + 1);
    length <= String(high).length || length === places + 1;
    length++
  ) {
    const least = length === places + 1 ? 0n : 10n ** BigInt(length - 1);
    const most = 10n ** BigInt(length) - 1n;
    const from = low > least ? low : least;
    const to = high < most ? high : most;
    if (from > to) continue;
    const pad = (n: bigint): string => String(n).padStart(length, '0');
    parts.push(digits(pad(from), pad(to), places));
  }
  return parts;
}

/** Numbers in a range with exactly `places` decimal places. */
function withPlaces({ min, max }: NumberRange, places: number): Expression[] {
  const end = (bound: Bound, isUp: boolean): bigint => {
    const scaled = scale(bound.value, places, isUp);
    const isAt = scale(bound.value, places, !isUp) === scaled;
    if (!bound.isExclusive || !isAt) return scaled;
    return scaled + (isUp ? 1n : -1n);
  };
  const low = min && end(min, true);
  const high = max && end(max, false);
  const abs = (n: bigint): bigint => (n < 0n ? -n : n);
  /** The limit of an unbounded side: numbers of the usual length, or one digit more than `n`. */
  const beyond = (n: bigint): bigint => {
    const length = Math.max(safeDigits + places, String(abs(n)).length + 1);
    return 10n ** BigInt(length) - 1n;
  };
  const least = low ?? -beyond(high ?? 0n);
  const most = high ?? beyond(low ?? 0n);
  const parts: Expression[] = [];
  if (least < 0n && least <= most) {
    const smallest = most < 0n ? -most : 1n;
    const negative = scaledBetween(smallest, -least, places);
    if (negative.length > 0) parts.push(sequence('"-"', either(...negative)));
  }
  if (most >= 0n && least <= most)
    parts.push(...scaledBetween(least > 0n ? least : 0n, most, places));
  return parts;
}

/** Integers in a range; `never` if there are none. */
export function integersBetween(range: NumberRange): Expression {
  if (range.min === undefined && range.max === undefined) return anyInteger;
  return either(...withPlaces(range, 0));
}

/**
 * Numbers in a range, without an exponent, and with few enough decimal places that they stay
 * within the bounds when parsed as doubles. REQUIRES: bounds of at most {@link maxPlaces} places.
 */
export function numbersBetween(range: NumberRange): Expression {
  const { min, max } = range;
  if (min === undefined && max === undefined) return anyNumber;
  const bounds = [min, max].flatMap((bound) => (bound === undefined ? [] : [bound.value]));
  const longest = Math.max(
    ...bounds.map((value) => String(scale(Math.abs(value), 0, false)).length),
  );
  const places = Math.max(safeDigits - longest, 0, ...bounds.map(placesOf));
  const parts: Expression[] = [];
  for (let count = 0; count <= places; count++) parts.push(...withPlaces(range, count));
  return either(...parts);
}
