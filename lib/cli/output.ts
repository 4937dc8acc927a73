// Standard output: every command's results go through here.

import { styleText } from 'node:util';

/** Writes a text; rejects where nobody reads it any more. */
export function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** Writes a line, or several; rejects where nobody reads them any more. */
export const print = (text: string): Promise<void> => write(`${text}\n`);

/**
 * Writes a result as one line of JSON: typed arrays as arrays; null for what JSON has no
 * number for, such as the -Infinity of an impossible token.
 */
export function printJson(value: unknown): Promise<void> {
  const plain = (_key: string, item: unknown): unknown =>
    ArrayBuffer.isView(item) ? Array.from(item as Int32Array) : item;
  return print(JSON.stringify(value, plain));
}

// hasColors heeds NO_COLOR, FORCE_COLOR and TERM.
const colours = process.stdout.isTTY === true && process.stdout.hasColors();

/** The text in a style, on a terminal that has it. */
export function paint(style: 'bold' | 'dim' | 'green', text: string): string {
  return colours ? styleText(style, text) : text;
}

/** How many characters fit in a line; plenty where nobody looks. */
export const lineWidth = (): number => process.stdout.columns ?? 160;
