// LineReader: reads the user's lines one at a time, and reports ^C. `terminal-chat.ts` reads with
// it; node's readline does the line editing and the history.

import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** The outcome of a read. */
export type ReadResult = { kind: 'line'; text: string } | { kind: 'interrupt' } | { kind: 'end' };

/** Reads lines from one stream and writes prompts to another. Call `close` when done. */
export class LineReader {
  readonly #readline: Interface;
  readonly #output: Writable;
  readonly #terminal: boolean;
  /** Lines that arrived before they were requested: typed ahead, or piped in. */
  readonly #buffered: string[] = [];
  #pending: ((line: ReadResult) => void) | undefined;
  #onInterrupt: (() => void) | undefined;
  #ended = false;

  constructor(input: Readable, output: Writable, terminal: boolean) {
    this.#output = output;
    this.#terminal = terminal;
    this.#readline = createInterface({ input, output, terminal });
    this.#readline.on('line', (text) => this.#onLine(text));
    this.#readline.on('SIGINT', () => this.#interrupt());
    this.#readline.on('close', () => {
      this.#ended = true;
      this.#resolve({ kind: 'end' });
    });
  }

  /** Reads the next line, without its line break. ^C discards the line being typed. */
  read(prompt: string): Promise<ReadResult> {
    return new Promise((resolve) => {
      const text = this.#buffered.shift();
      if (text !== undefined || this.#ended) {
        // The terminal echoed what was typed ahead where the cursor was then; echo it after its
        // prompt as well.
        this.#output.write(prompt + (text !== undefined && this.#terminal ? `${text}\n` : ''));
        return resolve(text === undefined ? { kind: 'end' } : { kind: 'line', text });
      }
      this.#pending = resolve;
      this.#readline.setPrompt(prompt);
      this.#readline.prompt();
    });
  }

  /** Routes ^C to `interrupt` until the returned function is called. */
  whileBusy(interrupt: () => void): () => void {
    this.#onInterrupt = interrupt;
    return () => {
      this.#onInterrupt = undefined;
    };
  }

  /** Releases the streams; a pending read resolves with `end`. */
  close(): void {
    this.#readline.close();
  }

  #onLine(text: string): void {
    if (this.#pending === undefined) this.#buffered.push(text);
    else this.#resolve({ kind: 'line', text });
  }

  #interrupt(): void {
    // Lines typed ahead were not meant for the prompt that follows an interrupt.
    this.#buffered.length = 0;
    if (this.#onInterrupt !== undefined) this.#onInterrupt();
    else this.#resolve({ kind: 'interrupt' });
  }

  #resolve(line: ReadResult): void {
    this.#pending?.(line);
    this.#pending = undefined;
  }
}
