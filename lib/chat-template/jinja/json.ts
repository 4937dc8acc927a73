// JSON as `tojson` prints it in chat templates: with spaces after commas and colons, and without
// escapes for characters beyond ASCII.

import { TemplateError } from './errors.js';
import { claimText, spend } from './meter.js';
import { floatText } from './print.js';
import { compareText, join } from './text.js';
import { Dict, isList, Tuple, typeName, type Value } from './values.js';

export interface JsonOptions {
  isAscii: boolean;
  /** The indentation of a level; undefined for a single line. */
  indent: string | undefined;
  itemSeparator: string;
  keySeparator: string;
  sortKeys: boolean;
}

/** Prints a value as JSON. */
export function toJson(value: Value, options: JsonOptions, level = 0): string {
  spend(0.5);
  if (value === null) return 'null';
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return jsonFloat(value);
  if (typeof value === 'string') return jsonString(value, options);
  if (isList(value) || value instanceof Tuple) {
    const items = isList(value) ? value : value.items;
    const texts = items.map((item) => toJson(item, options, level + 1));
    return enclose('[', texts, ']', options, level);
  }
  if (!(value instanceof Dict)) {
    throw new TemplateError(`Object of type ${typeName(value)} is not JSON serializable`);
  }
  const entries = value.entries();
  if (options.sortKeys) entries.sort(([a], [b]) => compareKeys(a, b));
  const texts = entries.map(([key, item]) => {
    const name = jsonString(jsonKey(key), options);
    return `${name}${options.keySeparator}${toJson(item, options, level + 1)}`;
  });
  return enclose('{', texts, '}', options, level);
}

function enclose(
  open: string,
  items: readonly string[],
  close: string,
  { indent, itemSeparator }: JsonOptions,
  level: number,
): string {
  if (indent === undefined || items.length === 0) return open + join(items, itemSeparator) + close;
  claimText(indent.length * (level + 1) * items.length);
  const outer = `\n${indent.repeat(level)}`;
  const inner = outer + indent;
  return open + inner + join(items, itemSeparator + inner) + outer + close;
}

function compareKeys(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0;
  throw new TemplateError(`cannot sort keys of type ${typeName(a)} and ${typeName(b)}`);
}

function jsonKey(key: Value): string {
  if (typeof key === 'string') return key;
  if (typeof key === 'number') return jsonFloat(key);
  if (key === null || typeof key === 'boolean' || typeof key === 'bigint') return String(key);
  throw new TemplateError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

function jsonFloat(value: number): string {
  if (Number.isFinite(value)) return floatText(value);
  return Number.isNaN(value) ? 'NaN' : value < 0 ? '-Infinity' : 'Infinity';
}

function jsonString(text: string, { isAscii }: JsonOptions): string {
  claimText(text.length);
  const json = JSON.stringify(text);
  if (!isAscii) return json;
  const toEscape = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return json.replace(/[^ -~]/g, toEscape);
}
