// Prints candidates in human-readable form, one per line. GreedyLM uses it.

import { raceAbort } from '../common/abort.js';
import { checkOptions, checkSignal, wrongType } from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import type { Candidate } from '../common/candidate.js';

/** Options of `printCandidates`. */
export interface PrintOptions extends CallOptions {
  /** Where to write. Default `process.stdout`. */
  file?: NodeJS.WritableStream | undefined;
}

/** Checks the options and sets the defaults; throws TypeError. */
export function readPrintOptions(value: PrintOptions | undefined): {
  file: NodeJS.WritableStream;
  signal: AbortSignal | undefined;
} {
  const options = checkOptions(value, 'options', ['file', 'signal']);
  const { file = process.stdout } = options;
  const stream = file as Partial<NodeJS.WritableStream> | null;
  if (typeof stream?.write !== 'function') throw wrongType('a writable stream', 'file', file);
  return { file, signal: checkSignal(options.signal, 'signal') };
}

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A token's text on one line: spaces visible, control and format characters escaped. */
function escapeText(text: string): string {
  const escaped = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    return escapes[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
  return escaped.replaceAll(' ', '▁');
}

/** Writes the lines and waits until the stream has accepted them. */
export async function printLines(
  candidates: readonly Candidate[],
  file: NodeJS.WritableStream,
  signal: AbortSignal | undefined,
): Promise<void> {
  const lines = candidates.map(({ text, probability }) => {
    return `token '${escapeText(text)}' has probability ${probability}\n`;
  });
  const writing = new Promise<void>((resolve, reject) => {
    const result: unknown = file.write(lines.join(''), (error) => {
      if (error) reject(error);
      else resolve();
    });
    if (result instanceof Promise) result.catch(reject);
  });
  await raceAbort(writing, signal);
}
