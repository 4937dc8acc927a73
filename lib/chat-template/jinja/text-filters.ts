// The filters that take or return a text or a number. `filters.ts` finds them.

import { Bound } from './arguments.js';
import { TemplateError } from './errors.js';
import { formatPercent, roundedText } from './format-text.js';
import { toJson } from './json.js';
import { claimText, parseInteger } from './meter.js';
import { binary, signed } from './operators.js';
import { str } from './print.js';
import { center } from './string-methods.js';
import { capitalize, codePoints, escapeHtml, replace, spaces, splitLines, strip } from './text.js';
import { type Args, Dict, Markup, Tuple, typeName, Undefined, type Value } from './values.js';

export type Filter = (value: Value, args: Args) => Value;

/** A filter with named parameters. */
export const filter =
  (
    name: string,
    parameters: readonly string[],
    body: (value: Value, args: Bound) => Value,
  ): Filter =>
  (value, args) =>
    body(value, new Bound(name, args, parameters));

/** The text of any value, as the filters of strings take it. */
function textOf(value: Value): string {
  if (value instanceof Markup) {
    throw new TemplateError('computing with the result of safe or escape is not supported');
  }
  return str(value);
}

const ofText = (
  name: string,
  parameters: readonly string[],
  body: (text: string, args: Bound) => Value,
): [string, Filter] => [name, filter(name, parameters, (value, args) => body(textOf(value), args))];

/** A filter whose result on an escaped text counts as escaped, too. */
const ofMarkup = (
  name: string,
  parameters: readonly string[],
  body: (text: string, args: Bound) => string,
): [string, Filter] => [
  name,
  filter(name, parameters, (value, args) => {
    const text = body(str(value), args);
    return value instanceof Markup ? new Markup(text) : text;
  }),
];

function blanks(count: number): string {
  claimText(count);
  return ' '.repeat(Math.max(0, count));
}

function indent(text: Value, args: Bound): string {
  if (typeof text !== 'string') throw new TemplateError('indent is supported for texts only');
  const width = args.value('width', 4n);
  const indentation = typeof width === 'string' ? width : blanks(args.integer('width', 4));
  const isBlank = args.flag('blank');
  const [first = '', ...others] = splitLines(`${text}\n`, false);
  claimText(text.length + indentation.length * (others.length + 1));
  const indented = others.map((line) => (isBlank || line !== '' ? indentation + line : line));
  return [args.flag('first') ? indentation + first : first, ...indented].join('\n');
}

function truncate(text: Value, args: Bound): string {
  if (typeof text !== 'string') throw new TemplateError('truncate is supported for texts only');
  const length = args.integer('length', 255);
  const end = args.text('end', '...');
  const points = codePoints(text);
  const endLength = codePoints(end).length;
  if (length < endLength) throw new TemplateError(`expected length >= ${endLength}`);
  if (points.length <= length + (args.optionalInteger('leeway') ?? 5)) return text;
  const kept = points.slice(0, length - endLength).join('');
  if (args.flag('killwords')) return kept + end;
  const space = kept.lastIndexOf(' ');
  return (space < 0 ? kept : kept.slice(0, space)) + end;
}

const wordStart = new RegExp(`([-${spaces}({\\[<]+)`);

/** Like the method, but of words that begin after a space, hyphen or opening bracket only. */
const title = (text: string): string =>
  text
    .split(wordStart)
    .map((word) => {
      const [first = '', ...others] = codePoints(word);
      return first.toUpperCase() + others.join('').toLowerCase();
    })
    .join('');

const integerText = new RegExp(`^[${spaces}]*[+-]?\\d+(?:_\\d+)*[${spaces}]*$`);
const floatPattern =
  /^[+-]?(?:(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i;

/** The float that a text spells, if any. */
function parseFloatText(text: string): number | undefined {
  const trimmed = strip(text, undefined, 'both');
  if (!floatPattern.test(trimmed)) return undefined;
  const word = /^([+-]?)(inf|nan)/i.exec(trimmed);
  if (word === null) return Number(trimmed.replaceAll('_', ''));
  return word[2]?.toLowerCase() === 'nan' ? Number.NaN : Number(`${word[1]}Infinity`);
}

function refuseSpecial(value: Value): void {
  if (value instanceof Undefined) value.fail();
  if (value instanceof Markup) textOf(value);
}

function toInteger(value: Value, args: Bound): Value {
  const standard = args.value('default', 0n);
  if (args.integer('base', 10) !== 10) throw new TemplateError('int is supported in base 10 only');
  refuseSpecial(value);
  if (typeof value === 'bigint' || typeof value === 'boolean') return BigInt(value);
  if (typeof value === 'string' && integerText.test(value)) {
    return parseInteger(strip(value, undefined, 'both').replaceAll('_', '').replace('+', ''));
  }
  const number = typeof value === 'string' ? parseFloatText(value) : value;
  return typeof number === 'number' && Number.isFinite(number)
    ? BigInt(Math.trunc(number))
    : standard;
}

function toFloat(value: Value, args: Bound): Value {
  const standard = args.value('default', 0);
  refuseSpecial(value);
  if (typeof value === 'string') return parseFloatText(value) ?? standard;
  const isNumber = ['bigint', 'boolean', 'number'].includes(typeof value);
  return isNumber ? Number(value) : standard;
}

function round(value: Value, args: Bound): Value {
  const precision = args.integer('precision', 0);
  const method = args.text('method', 'common');
  if (precision < 0) throw new TemplateError('round to a negative precision is not supported');
  const number = typeof value === 'boolean' ? BigInt(value) : value;
  if (typeof number !== 'bigint' && typeof number !== 'number') {
    throw new TemplateError(`type ${typeName(value)} doesn't define a method to round it`);
  }
  if (method === 'common') {
    if (typeof number === 'bigint' || !Number.isFinite(number)) return number;
    return Math.abs(number) < 1e21 ? Number(roundedText(number, precision)) : number;
  }
  if (method !== 'ceil' && method !== 'floor') {
    throw new TemplateError('method must be common, ceil or floor');
  }
  const scale = 10 ** precision;
  if (typeof number === 'bigint') return Number(number);
  return Math[method](number * scale) / scale;
}

const toMarkup = filter('escape', [], (value) =>
  value instanceof Markup ? value : new Markup(escapeHtml(str(value))),
);

const tojson = filter(
  'tojson',
  ['ensure_ascii', 'indent', 'separators', 'sort_keys'],
  (value, args) => {
    const width = args.value('indent', null);
    const indentation =
      width === null || typeof width === 'string' ? width : blanks(args.integer('indent'));
    const separators = args.value('separators', null);
    const [item, key] =
      separators instanceof Tuple ? separators.items : ((separators ?? []) as Value[]);
    return toJson(value, {
      isAscii: args.flag('ensure_ascii'),
      indent: indentation ?? undefined,
      itemSeparator: typeof item === 'string' ? item : indentation === null ? ', ' : ',',
      keySeparator: typeof key === 'string' ? key : ': ',
      sortKeys: args.flag('sort_keys'),
    });
  },
);

const format: Filter = (value, { positional, keywords }) => {
  if (positional.length > 0 && keywords.size > 0) {
    throw new TemplateError("can't handle positional and keyword arguments at the same time");
  }
  const values = keywords.size > 0 ? new Dict(keywords) : new Tuple(positional);
  return formatPercent(textOf(value), values);
};

export const textFilters: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ['abs', filter('abs', [], (value) => absolute(value))],
  ofMarkup('capitalize', [], capitalize),
  [
    'center',
    (value, args) =>
      center(
        textOf(value),
        args.positional.length + args.keywords.size > 0 ? args : { ...args, positional: [80n] },
      ),
  ],
  ['e', toMarkup],
  ['escape', toMarkup],
  ['float', filter('float', ['default'], toFloat)],
  ['format', format],
  ['indent', filter('indent', ['width', 'first', 'blank'], indent)],
  ['int', filter('int', ['default', 'base'], toInteger)],
  ofMarkup('lower', [], (text) => text.toLowerCase()),
  ofText('replace', ['old', 'new', 'count'], (text, args) => {
    const [old, next] = [textOf(args.value('old')), textOf(args.value('new'))];
    return replace(text, old, next, args.optionalInteger('count') ?? -1);
  }),
  ['round', filter('round', ['precision', 'method'], round)],
  ['safe', filter('safe', [], (value) => new Markup(str(value)))],
  ['string', filter('string', [], (value) => (value instanceof Markup ? value : str(value)))],
  ofText('title', [], title),
  ['tojson', tojson],
  ofMarkup('trim', ['chars'], (text, args) => strip(text, args.optionalText('chars'), 'both')),
  ['truncate', filter('truncate', ['length', 'killwords', 'end', 'leeway'], truncate)],
  ofMarkup('upper', [], (text) => text.toUpperCase()),
  ofText('wordcount', [], (text) => {
    let count = 0n;
    for (const _ of text.matchAll(/[\p{L}\p{N}_]+/gu)) count++;
    return count;
  }),
]);

function absolute(value: Value): Value {
  const isNegative = typeof value !== 'string' && binary('*', value, 1n) === value;
  if (!isNegative && typeof value !== 'boolean') {
    throw new TemplateError(`bad operand type for abs(): '${typeName(value)}'`);
  }
  const number = signed('+', value) as bigint | number;
  return number < 0 ? -number : number;
}
