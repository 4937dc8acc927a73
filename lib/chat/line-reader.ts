// LineReader: a person's lines, one at a time, and the ^C between them. `interact.ts` reads
// with it; node's readline edits the line and keeps the history underneath.

import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** What came of asking for a line. */
export type Line = { kind: 'line'; text: string } | { kind: 'interrupt' } | { kind: 'end' };

/** Reads lines from one stream and writes prompts to another. Close it when done. */
export class LineReader {
  readonly #readline: Interface;
  readonly #output: Writable;
  readonly #terminal: boolean;
  /** Lines that came before they were asked for: typed ahead, or piped in. */
  readonly #ahead: string[] = [];
  #waiting: ((line: Line) => void) | undefined;
  #busy: (() => void) | undefined;
  #ended = false;

  constructor(input: Readable, output: Writable, terminal: boolean) {
    this.#output = output;
    this.#terminal = terminal;
    this.#readline = createInterface({ input, output, terminal });
    this.#readline.on('line', (text) => this.#arrive(text));
    this.#readline.on('SIGINT', () => this.#interrupt());
    this.#readline.on('close', () => {
      this.#ended = true;
      this.#answer({ kind: 'end' });
    });
  }

  /** The next line, without its end. A ^C gives up the line that is being typed. */
  read(prompt: string): Promise<Line> {
    return new Promise((resolve) => {
      const text = this.#ahead.shift();
      if (text !== undefined || this.#ended) {
        // A terminal showed what was typed ahead where it was typed; it is shown in place, too.
        this.#output.write(prompt + (text !== undefined && this.#terminal ? `${text}\n` : ''));
        return resolve(text === undefined ? { kind: 'end' } : { kind: 'line', text });
      }
      this.#waiting = resolve;
      this.#readline.setPrompt(prompt);
      this.#readline.prompt();
    });
  }

  /** Until the function that it gives is called, a ^C calls `interrupt`. */
  whileBusy(interrupt: () => void): () => void {
    this.#busy = interrupt;
    return () => {
      this.#busy = undefined;
    };
  }

  /** Gives the streams back; a line that is waited for has ended. */
  close(): void {
    this.#readline.close();
  }

  #arrive(text: string): void {
    if (this.#waiting === undefined) this.#ahead.push(text);
    else this.#answer({ kind: 'line', text });
  }

  #interrupt(): void {
    // What was typed ahead was not meant for what comes now.
    this.#ahead.length = 0;
    if (this.#busy !== undefined) this.#busy();
    else this.#answer({ kind: 'interrupt' });
  }

  #answer(line: Line): void {
    this.#waiting?.(line);
    this.#waiting = undefined;
  }
}
