// Runs a program in a pseudo-terminal, with simulated key presses. `script` of util-linux provides
// the terminal and forwards the input.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

const script = '/usr/bin/script';

/** The reason why terminals cannot be tested on this machine; false if they can. */
export const noTerminal: string | false =
  process.platform === 'linux' && existsSync(script)
    ? false
    : 'a terminal requires the program script of util-linux';

// With CI set, Node reports that terminals have no colors; tap passes on loaders.
const { CI, NO_COLOR, FORCE_COLOR, NODE_OPTIONS, ...plainEnv } = process.env;

/** The characters that keys send. */
export const keys = { interrupt: '\u0003', end: '\u0004', enter: '\r', up: '\u001b[A' };

/** The time limit in milliseconds; only a hanging program takes as long. */
const timeLimit = 20_000;

/** A program in a pseudo-terminal. */
export class Terminal {
  /** All output so far. */
  printed = '';
  /** The exit code, once it has ended. */
  readonly ended: Promise<number | null>;
  readonly #child;
  #seen = 0;
  #checkOutput = (): void => {};

  constructor(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const command = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    const child = spawn(script, ['-qefc', command, '/dev/null'], {
      env: { ...plainEnv, TERM: 'xterm-256color', ...env },
    });
    child.stdin.on('error', () => {});
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.printed += text;
      this.#checkOutput();
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeLimit);
    this.#child = child;
    this.ended = new Promise((resolve) => {
      child.once('close', (code) => {
        clearTimeout(timer);
        resolve(code);
        this.#checkOutput();
      });
    });
  }

  /** Types text. */
  type(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Waits until `text` is printed after the previous match; returns the output in between. */
  async until(text: string): Promise<string> {
    let hasEnded = false;
    void this.ended.then(() => {
      hasEnded = true;
    });
    for (;;) {
      const index = this.printed.indexOf(text, this.#seen);
      if (index >= 0) {
        const before = this.printed.slice(this.#seen, index);
        this.#seen = index + text.length;
        return before;
      }
      if (hasEnded) throw new Error(`It ended without printing ${JSON.stringify(text)}`);
      await new Promise<void>((resolve) => {
        this.#checkOutput = resolve;
      });
    }
  }
}
