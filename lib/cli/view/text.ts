// Formats texts and numbers for display.

/** Invisible characters that JSON does not escape: C1 controls, line separators, bidi controls. */
const invisible = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** A text in quotes, to make surrounding spaces visible; invisible characters are escaped. */
export function quote(text: string, limit = Number.POSITIVE_INFINITY): string {
  return elide(JSON.stringify(text), limit).replace(invisible, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Truncates a text to at most `limit` characters. */
export function elide(text: string, limit: number): string {
  const characters = text.length > limit ? [...text] : [];
  return characters.length > limit ? `${characters.slice(0, limit - 1).join('')}…` : text;
}

/** A probability in percent. Only exact 0 and 1 print as 0.00% and 100.00%. */
export function percent(probability: number): string {
  if (probability > 0 && probability < 5e-5) return '<0.01%';
  if (probability < 1 && probability >= 0.99995) return '>99.99%';
  return `${(100 * probability).toFixed(2)}%`;
}

/** A probability range; one value if both ends print alike, an upper bound if it starts at 0. */
export function percentRange([low, high]: readonly [number, number]): string {
  const [from, to] = [percent(low), percent(high)];
  if (from === to || (low === 0 && to.startsWith('<'))) return to;
  return low === 0 ? `≤${to}` : `${from}–${to}`;
}

/** A natural log-probability, or a score computed from some. */
export function nats(value: number): string {
  if (Number.isFinite(value)) return value.toFixed(4);
  return value > 0 ? '∞' : '-∞';
}

export const milliseconds = (value: number): string =>
  value < 1000 ? `${value.toFixed(1)} ms` : `${(value / 1000).toFixed(2)} s`;

/** 1234567 as 1,234,567. */
export const count = (value: number): string => value.toLocaleString('en-US');

/** `1 token`, `2 tokens`. */
export const plural = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A size in bytes, with a binary unit. */
export function size(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(1, bytes)) / 10), units.length - 1);
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
