// Formatted strings: `'%s' % value`, the filter `format` and the method `format`.

import { TemplateError } from './errors.js';
import { claimText } from './meter.js';
import { repr, str } from './print.js';
import { codePoints } from './text.js';
import {
  type Args,
  Dict,
  isList,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.js';

const directive = /%(?:\(([^)]{0,100})\))?([-+ 0#]{0,20})(\d{0,20})(?:\.(\d{1,20}))?([a-zA-Z%]|$)/g;

const pad = (text: string, width: number, isLeft: boolean): string => {
  claimText(width);
  const fill = ' '.repeat(Math.max(0, width - codePoints(text).length));
  return isLeft ? text + fill : fill + text;
};

/** Formats a string by its % directives. */
export function formatPercent(pattern: string, values: Value): string {
  const items = values instanceof Tuple ? values.items : [values];
  let used = 0;
  const next = (): Value => {
    const value = items[used++];
    if (value === undefined) throw new TemplateError('not enough arguments for format string');
    return value;
  };
  const text = pattern.replace(directive, (_, key, flags, width, precision, type) => {
    if (type === '%') return '%';
    let value: Value | undefined;
    if (key === undefined) value = next();
    else if (values instanceof Dict) value = values.get(key as string);
    if (value === undefined) throw new TemplateError(`the format has no value for '${key}'`);
    return formatValue(value, { flags, width: Number(width), precision, type });
  });
  // Values that can be indexed may stay unused: they could have been meant for names.
  const isIndexed = [Dict, Range, Undefined].some((type) => values instanceof type);
  const isComplete = isIndexed || isList(values) || used === items.length;
  if (!isComplete) throw new TemplateError('not all arguments converted during string formatting');
  return text;
}

interface Directive {
  flags: string;
  width: number;
  precision: string | undefined;
  type: string;
}

function formatValue(value: Value, { flags, width, precision, type }: Directive): string {
  const isLeft = flags.includes('-');
  if (type === 's' || type === 'r') {
    const whole = type === 's' ? str(value) : repr(value);
    const text = precision === undefined ? whole : codePoints(whole).slice(0, +precision).join('');
    return pad(text, width, isLeft);
  }
  const number = numberText(value, type, precision);
  const sign = number.startsWith('-')
    ? '-'
    : flags.includes('+')
      ? '+'
      : flags.includes(' ')
        ? ' '
        : '';
  const digits = number.replace('-', '');
  if (!flags.includes('0') || isLeft) return pad(sign + digits, width, isLeft);
  claimText(width);
  return sign + digits.padStart(width - sign.length, '0');
}

function numberText(value: Value, type: string, precision: string | undefined): string {
  const number = typeof value === 'boolean' ? BigInt(value) : value;
  const isNumber = typeof number === 'bigint' || typeof number === 'number';
  if (isNumber && 'di'.includes(type) && precision === undefined) {
    return String(typeof number === 'bigint' ? number : BigInt(Math.trunc(number)));
  }
  if (isNumber && type === 'f') {
    const digits = Math.min(100, Number(precision ?? 6));
    return roundedText(Number(number), digits);
  }
  throw new TemplateError(`the format %${type} of a ${typeName(value)} is not supported`);
}

/** A number with this many decimals; exact ties round to the even digit. */
export function roundedText(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  // toFixed rounds ties away from zero. More decimals of the exact value show whether it is one.
  const exact = value.toFixed(Math.min(100, decimals + 60));
  const point = exact.indexOf('.');
  const isTie = /^50*$/.test(exact.slice(point + 1 + decimals));
  if (!isTie || /[02468]$/.test(text)) return text;
  const kept = exact.slice(0, point + (decimals === 0 ? 0 : 1 + decimals));
  return kept;
}

/** Formats a string by its fields in braces, which are positions and names without formats. */
export function formatBraces(pattern: string, { positional, keywords }: Args): string {
  let next = 0;
  return pattern.replace(/\{\{|\}\}|\{(\w*)\}|[{}]/g, (whole, field: string | undefined) => {
    if (whole === '{{' || whole === '}}') return whole.slice(1);
    if (field === undefined) {
      throw new TemplateError('format() is supported with plain fields only');
    }
    const isIndex = field === '' || /^\d+$/.test(field);
    const index = field === '' ? next++ : Number(field);
    const value = isIndex ? positional[index] : keywords.get(field);
    if (value === undefined) throw new TemplateError(`format() has no value for ${whole}`);
    if (value instanceof Undefined) return '';
    return str(value);
  });
}
