// The methods of strings. `attributes.ts` finds them.

import { Bound, slicedText } from './arguments.js';
import { TemplateError } from './errors.js';
import { formatBraces } from './format-text.js';
import { claimSearch } from './meter.js';
import {
  capitalize,
  codePointIndex,
  codePoints,
  countCodePoints,
  countOf,
  isLower,
  isSpace,
  isUpper,
  join as joinTexts,
  replace,
  type Side,
  splitAt,
  splitLines,
  splitWords,
  strip,
  toTitle,
} from './text.js';
import { type Args, itemsOf, Tuple, typeName, type Value } from './values.js';

type Method = (text: string, args: Args) => Value;

/** A method with named parameters. */
const method =
  (
    name: string,
    parameters: readonly string[],
    body: (text: string, args: Bound) => Value,
  ): Method =>
  (text, args) =>
    body(text, new Bound(name, args, parameters));

const stripper = (name: string, side: Side): Method =>
  method(name, ['chars'], (text, args) => strip(text, args.optionalText('chars'), side));

const splitter = (name: string, fromRight: boolean): Method =>
  method(name, ['sep', 'maxsplit'], (text, args) => {
    const separator = args.optionalText('sep');
    const limit = args.integer('maxsplit', -1);
    if (separator === undefined) return splitWords(text, limit, fromRight);
    if (separator === '') throw new TemplateError('empty separator');
    return splitAt(text, separator, limit, fromRight);
  });

const partitioner = (name: string, fromRight: boolean): Method =>
  method(name, ['sep'], (text, args) => {
    const separator = args.text('sep');
    if (separator === '') throw new TemplateError('empty separator');
    claimSearch(text, separator);
    const at = fromRight ? text.lastIndexOf(separator) : text.indexOf(separator);
    if (at < 0) return new Tuple(fromRight ? ['', '', text] : [text, '', '']);
    return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
  });

/** The part of a text that the arguments `start` and `end` leave, and where it begins. */
function part(text: string, args: Bound): { within: string; offset: number } {
  const start = args.optionalInteger('start');
  const end = args.optionalInteger('end');
  if (start === undefined && end === undefined) return { within: text, offset: 0 };
  const length = countCodePoints(text);
  const offset = start === undefined ? 0 : start < 0 ? Math.max(0, start + length) : start;
  return { within: slicedText(text, start, end), offset };
}

const searcher = (name: string, isStrict: boolean, fromRight: boolean): Method =>
  method(name, ['sub', 'start', 'end'], (text, args) => {
    const { within, offset } = part(text, args);
    const sought = args.text('sub');
    const isBeyond = offset > countCodePoints(text);
    claimSearch(within, sought);
    const at = isBeyond ? -1 : fromRight ? within.lastIndexOf(sought) : within.indexOf(sought);
    if (at >= 0) return BigInt(offset + codePointIndex(within, at));
    if (isStrict) throw new TemplateError('substring not found');
    return -1n;
  });

const affix = (name: string, matches: (text: string, affix: string) => boolean): Method =>
  method(name, ['affix', 'start', 'end'], (text, args) => {
    const value = args.value('affix');
    const { within } = part(text, args);
    const candidates = value instanceof Tuple ? value.items : [value];
    return candidates.some((candidate) => {
      if (typeof candidate === 'string') return matches(within, candidate);
      throw new TemplateError(
        `${name} first arg must be str or a tuple of str, not ${typeName(candidate)}`,
      );
    });
  });

const padder = (name: string, leftShare: (missing: number, width: number) => number): Method =>
  method(name, ['width', 'fillchar'], (text, args) => {
    const width = args.integer('width');
    const fill = args.text('fillchar', ' ');
    if (codePoints(fill).length !== 1) throw new TemplateError('expected one fill character');
    const missing = Math.max(0, width - countCodePoints(text));
    if (missing > 1_000_000) throw new TemplateError(`${name}() of this width is not supported`);
    const left = leftShare(missing, width);
    return fill.repeat(left) + text + fill.repeat(missing - left);
  });

/** Centered text; an odd blank is on the left only if the width is odd, too. */
export const center = padder(
  'center',
  (missing, width) => Math.floor(missing / 2) + (missing & width & 1),
);

const plain = (name: string, body: (text: string) => Value): Method => method(name, [], body);

const isAll = (name: string, pattern: RegExp): Method => plain(name, (text) => pattern.test(text));

const zfill = method('zfill', ['width'], (text, args) => {
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  const missing = args.integer('width') - countCodePoints(text);
  return missing <= 0 ? text : sign + '0'.repeat(Math.min(missing, 1000)) + text.slice(sign.length);
});

const join = method('join', ['iterable'], (text, args) => {
  const items = itemsOf(args.value('iterable')).map((item) => {
    if (typeof item === 'string') return item;
    throw new TemplateError(`sequence item: expected str instance, ${typeName(item)} found`);
  });
  return joinTexts(items, text);
});

/** The methods of strings, by name. */
export const stringMethods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['capitalize', plain('capitalize', capitalize)],
  ['center', center],
  [
    'count',
    method('count', ['sub', 'start', 'end'], (text, args) => {
      const sub = args.text('sub');
      const { within } = part(text, args);
      const isEmpty = sub === '';
      return BigInt(isEmpty ? countCodePoints(within) + 1 : countOf(within, sub));
    }),
  ],
  ['endswith', affix('endswith', (text, end) => text.endsWith(end))],
  ['find', searcher('find', false, false)],
  ['format', formatBraces],
  ['index', searcher('index', true, false)],
  ['isalnum', isAll('isalnum', /^[\p{L}\p{N}]+$/u)],
  ['isalpha', isAll('isalpha', /^\p{L}+$/u)],
  ['isascii', isAll('isascii', /^[\0-\x7f]*$/)],
  ['isdecimal', isAll('isdecimal', /^\p{Nd}+$/u)],
  ['isdigit', isAll('isdigit', /^[\p{Nd}²³¹⁰⁴-⁹₀-₉①-⑨]+$/u)],
  ['islower', plain('islower', isLower)],
  ['isspace', plain('isspace', isSpace)],
  ['isupper', plain('isupper', isUpper)],
  ['join', join],
  ['ljust', padder('ljust', () => 0)],
  ['lower', plain('lower', (text) => text.toLowerCase())],
  ['lstrip', stripper('lstrip', 'left')],
  ['partition', partitioner('partition', false)],
  [
    'removeprefix',
    method('removeprefix', ['prefix'], (text, args) => {
      const prefix = args.text('prefix');
      return text.startsWith(prefix) ? text.slice(prefix.length) : text;
    }),
  ],
  [
    'removesuffix',
    method('removesuffix', ['suffix'], (text, args) => {
      const suffix = args.text('suffix');
      return text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text;
    }),
  ],
  [
    'replace',
    method('replace', ['old', 'new', 'count'], (text, args) =>
      replace(text, args.text('old'), args.text('new'), args.integer('count', -1)),
    ),
  ],
  ['rfind', searcher('rfind', false, true)],
  ['rindex', searcher('rindex', true, true)],
  ['rjust', padder('rjust', (missing) => missing)],
  ['rpartition', partitioner('rpartition', true)],
  ['rsplit', splitter('rsplit', true)],
  ['rstrip', stripper('rstrip', 'right')],
  ['split', splitter('split', false)],
  [
    'splitlines',
    method('splitlines', ['keepends'], (text, args) => splitLines(text, args.flag('keepends'))),
  ],
  ['startswith', affix('startswith', (text, start) => text.startsWith(start))],
  ['strip', stripper('strip', 'both')],
  ['title', plain('title', toTitle)],
  ['upper', plain('upper', (text) => text.toUpperCase())],
  ['zfill', zfill],
]);
