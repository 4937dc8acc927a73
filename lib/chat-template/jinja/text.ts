// Strings as Jinja2 counts and cuts them: by code points, with its own idea of whitespace. The
// methods and filters of strings are made of these.

import { TemplateError } from './errors.js';
import { claimItems, claimSearch, claimText } from './meter.js';

/** The code points of a text, each as a string. */
export function codePoints(text: string): string[] {
  if (text.length > 64) claimItems(2 * text.length);
  return Array.from(text);
}

const surrogate = /[\ud800-\udfff]/;

/** Whether the code points of a text are its UTF-16 code units. */
export const isPlain = (text: string): boolean => !surrogate.test(text);

/** Joins texts. */
export function join(texts: readonly string[], separator: string): string {
  let length = separator.length * Math.max(0, texts.length - 1);
  for (const text of texts) length += text.length;
  claimText(length);
  return texts.join(separator);
}

/** Whether a text contains another one. */
export function includes(text: string, sought: string): boolean {
  claimSearch(text, sought);
  return text.includes(sought);
}

/** The most pieces that a text can be split into. */
const maxPieces = 2 ** 20;

function pieces(text: string, separator: string): string[] {
  claimSearch(text, separator);
  const found = text.split(separator, maxPieces + 1);
  if (found.length > maxPieces) throw new TemplateError('the text has too many parts');
  claimItems(4 * found.length);
  return found;
}

/** The number of times that a text contains another one, which is not empty. */
export const countOf = (text: string, sought: string): number => pieces(text, sought).length - 1;

/** The number of code points of a text. */
export function countCodePoints(text: string): number {
  claimText(text.length);
  if (!surrogate.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The number of code points before a position of UTF-16. */
export const codePointIndex = (text: string, position: number): number =>
  countCodePoints(text.slice(0, position));

/** Whitespace. Unlike that of JavaScript it has the separators 1c to 1f and 85, but no feff. */
export const spaces =
  '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const space = new RegExp(`[${spaces}]`);
const words = new RegExp(`[^${spaces}]+`, 'g');
const lineBreaks = '\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029';
const lineBreak = new RegExp(`\r\n|[${lineBreaks}]`, 'g');

export type Side = 'left' | 'right' | 'both';

/** Removes whitespace, or these characters, from the ends of a text. */
export function strip(text: string, characters: string | undefined, side: Side): string {
  const set = characters === undefined ? undefined : new Set(codePoints(characters));
  const isStripped = (point: string | undefined): boolean =>
    point !== undefined && (set?.has(point) ?? space.test(point));
  // Only characters beyond UTF-16's units, which are rarely stripped, need a list.
  const points = surrogate.test(characters ?? '') ? codePoints(text) : text;
  let start = 0;
  let end = points.length;
  if (side !== 'right') while (start < end && isStripped(points[start])) start++;
  if (side !== 'left') while (end > start && isStripped(points[end - 1])) end--;
  const kept = points.slice(start, end);
  return typeof kept === 'string' ? kept : kept.join('');
}

/** Splits at whitespace, from the left or the right, at most `limit` times. */
export function splitWords(text: string, limit: number, fromRight: boolean): string[] {
  claimText(text.length);
  const found: RegExpExecArray[] = [];
  for (const match of text.matchAll(words)) {
    claimItems(16);
    found.push(match);
  }
  if (limit < 0 || found.length <= limit) return found.map(([word]) => word);
  if (fromRight) {
    const kept = found.slice(found.length - limit);
    const last = found[found.length - limit - 1] as RegExpExecArray;
    const rest = text.slice(0, last.index + last[0].length);
    return [strip(rest, undefined, 'right'), ...kept.map(([word]) => word)];
  }
  const rest = text.slice((found[limit] as RegExpExecArray).index);
  return [...found.slice(0, limit).map(([word]) => word), rest];
}

/** Splits at a separator, from the left or the right, at most `limit` times. */
export function splitAt(
  text: string,
  separator: string,
  limit: number,
  fromRight: boolean,
): string[] {
  if (!fromRight) {
    const parts = pieces(text, separator);
    if (limit < 0 || parts.length <= limit + 1) return parts;
    return [...parts.slice(0, limit), parts.slice(limit).join(separator)];
  }
  // From the right, occurrences that overlap are found at other positions.
  claimSearch(text, separator);
  const parts: string[] = [];
  let rest = text;
  while (limit < 0 || parts.length < limit) {
    const at = rest.lastIndexOf(separator);
    if (at < 0) break;
    claimItems(8);
    parts.push(rest.slice(at + separator.length));
    rest = rest.slice(0, at);
  }
  return [rest, ...parts.reverse()];
}

/** The lines of a text; unlike with `split`, a final line break ends the last one. */
export function splitLines(text: string, keepEnds: boolean): string[] {
  const lines: string[] = [];
  let start = 0;
  for (const match of text.matchAll(lineBreak)) {
    const end = match.index + match[0].length;
    claimItems(8);
    lines.push(text.slice(start, keepEnds ? end : match.index));
    start = end;
  }
  if (start < text.length) lines.push(text.slice(start));
  return lines;
}

/** Replaces the first `limit` occurrences, or all of them if it is negative. */
export function replace(text: string, from: string, to: string, limit: number): string {
  if (from === '') {
    // Between all code points, in front of the first and after the last.
    const points = codePoints(text);
    const count = limit < 0 ? points.length + 1 : Math.min(limit, points.length + 1);
    claimText(points.length + count * to.length);
    const spaced = points.map((point, index) => (index < count ? to + point : point));
    return spaced.join('') + (count > points.length ? to : '');
  }
  return join(splitAt(text, from, limit, false), to);
}

const htmlEscapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '>': '&gt;',
  '<': '&lt;',
  "'": '&#39;',
  '"': '&#34;',
};

/** Replaces the characters that have a meaning in HTML. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>'"]/g, (character) => htmlEscapes[character] as string);

/** Orders by code points, where JavaScript orders by UTF-16. */
export function compareText(left: string, right: string): number {
  claimText(Math.min(left.length, right.length));
  if (left === right) return 0;
  if (!surrogate.test(left) && !surrogate.test(right)) return left < right ? -1 : 1;
  const others = right[Symbol.iterator]();
  for (const point of left) {
    const other = others.next();
    if (other.done) return 1;
    const difference = (point.codePointAt(0) as number) - (other.value.codePointAt(0) as number);
    if (difference !== 0) return difference;
  }
  return -1;
}

/** Letters that are two in one: in upper case, capitalized, in lower case. */
const digraphs = ['Ǆǅǆ', 'Ǉǈǉ', 'Ǌǋǌ', 'Ǳǲǳ'];

// A letter whose upper case is several letters, as ß, keeps the first one only.
const titleCase = (point: string): string => {
  const digraph = digraphs.find((letters) => point !== '' && letters.includes(point));
  if (digraph !== undefined) return digraph[1] as string;
  const [first = '', ...others] = codePoints(point.toUpperCase());
  return first + others.join('').toLowerCase();
};

/** The first letter in upper case, the others in lower case. */
export function capitalize(text: string): string {
  const [first = ''] = codePoints(text);
  return titleCase(first) + text.toLowerCase().slice(first.toLowerCase().length);
}

/** Every letter after something else in upper case, the others in lower case. */
export function toTitle(text: string): string {
  // In lower case as a whole, because a sigma at the end of a word has a form of its own.
  const lower = text.toLowerCase();
  let position = 0;
  let isInside = false;
  const cased = codePoints(text).map((point) => {
    const start = position;
    position += point.toLowerCase().length;
    const result = isInside ? lower.slice(start, position) : titleCase(point);
    isInside = /\p{Cased}/u.test(point);
    return result;
  });
  return cased.join('');
}

const hasCase = (text: string, wanted: RegExp, unwanted: RegExp): boolean =>
  wanted.test(text) && !unwanted.test(text);

export const isLower = (text: string): boolean =>
  hasCase(text, /\p{Lowercase}/u, /[\p{Uppercase}\p{Lt}]/u);
export const isUpper = (text: string): boolean =>
  hasCase(text, /\p{Uppercase}/u, /[\p{Lowercase}\p{Lt}]/u);

/** Whether the text has characters, all of them whitespace. */
export const isSpace = (text: string): boolean => new RegExp(`^[${spaces}]+$`).test(text);
