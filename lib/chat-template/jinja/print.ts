// Values as text: `str` is what a template prints, `repr` how lists and dictionaries print their
// items. What has no reproducible text, such as a function, is refused.

import { TemplateError } from './errors.js';
import { claimText, spend } from './meter.js';
import { codePoints, join } from './text.js';
import {
  Dict,
  DictView,
  isList,
  Markup,
  Namespace,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.js';

/** The text of a value. */
export function str(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return value.text;
  return value instanceof Undefined ? '' : repr(value);
}

/** The text of a value inside of another one. */
export function repr(value: Value): string {
  spend(0.5);
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return floatText(value);
  if (typeof value === 'string') return quote(value);
  if (value instanceof Undefined) return 'Undefined';
  if (isList(value)) return `[${listed(value)}]`;
  if (value instanceof Tuple) {
    return `(${listed(value.items)}${value.items.length === 1 ? ',' : ''})`;
  }
  if (value instanceof Dict) {
    const entries = value.entries().map(([key, item]) => `${repr(key)}: ${repr(item)}`);
    return `{${join(entries, ', ')}}`;
  }
  if (value instanceof DictView) return `dict_${value.kind}([${listed(value.items())}])`;
  if (value instanceof Range) {
    const step = value.step === 1n ? '' : `, ${value.step}`;
    return `range(${value.start}, ${value.stop}${step})`;
  }
  if (value instanceof Namespace) return `<Namespace ${repr(value.attributes)}>`;
  throw new TemplateError(`printing a ${typeName(value)} is not supported`);
}

const listed = (items: readonly Value[]): string => join(items.map(repr), ', ');

/** The shortest decimal number that is this float, in scientific notation below 1e-4, from 1e16. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const size = Math.abs(value);
  if (size === Infinity) return `${sign}inf`;
  const [mantissa = '', exponentText] = size.toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
    return `${sign}${mantissa}e${power}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

const namedEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

const unprintable = /^[\p{C}\p{Zl}\p{Zp}\p{Zs}]$/u;

/** A string literal: in single quotes unless only those occur in the text. */
function quote(text: string): string {
  claimText(text.length);
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = codePoints(text).map((point) => {
    if (point === mark) return `\\${point}`;
    if (point === ' ' || !(point === '\\' || unprintable.test(point))) return point;
    return namedEscapes[point] ?? escapeSequence(point.codePointAt(0) as number);
  });
  return `${mark}${escaped.join('')}${mark}`;
}

function escapeSequence(code: number): string {
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
