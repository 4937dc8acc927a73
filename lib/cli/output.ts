// Standard output: every command prints its results through these functions.

import { styleText } from 'node:util';

/** Writes a string; rejects if the reader has closed the pipe. */
export function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** Writes one or more lines; rejects if the reader has closed the pipe. */
export const print = (text: string): Promise<void> => write(`${text}\n`);

/**
 * Prints a result as one line of JSON: typed arrays as arrays, and null for non-finite numbers,
 * such as the -Infinity of an impossible token.
 */
export function printJson(value: unknown): Promise<void> {
  const toPlainJson = (_key: string, item: unknown): unknown =>
    ArrayBuffer.isView(item) ? Array.from(item as Int32Array) : item;
  return print(JSON.stringify(value, toPlainJson));
}

// process.stdout.hasColors respects NO_COLOR, FORCE_COLOR and TERM.
const hasColors = process.stdout.isTTY === true && process.stdout.hasColors();

/** Styles the text if standard output is a terminal with colors. */
export function paint(style: 'bold' | 'dim' | 'green', text: string): string {
  return hasColors ? styleText(style, text) : text;
}

/** Characters per line of the terminal; 160 if standard output is not a terminal. */
export const lineWidth = (): number => process.stdout.columns ?? 160;
