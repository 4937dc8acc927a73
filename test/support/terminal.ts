// A program in a terminal of its own, with a person at it: `script` of util-linux gives it the
// terminal, and hands on what is typed.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

const script = '/usr/bin/script';

/** Why there are no terminals to test with here; false where there are. */
export const noTerminal: string | false =
  process.platform === 'linux' && existsSync(script)
    ? false
    : 'it takes the program script of util-linux to have a terminal';

// On CI, Node says that no terminal has colours; tap hands on loaders.
const { CI, NO_COLOR, FORCE_COLOR, NODE_OPTIONS, ...plainEnv } = process.env;

/** What keys send. */
export const keys = { interrupt: '\u0003', end: '\u0004', enter: '\r', up: '\u001b[A' };

/** No program takes nearly as long, unless it hangs. */
const patience = 20_000;

/** A program at a terminal. */
export class Terminal {
  /** All that was printed. */
  printed = '';
  /** The exit code, once it has ended. */
  readonly ended: Promise<number | null>;
  readonly #child;
  #seen = 0;
  #look = (): void => {};

  constructor(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const command = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    const child = spawn(script, ['-qefc', command, '/dev/null'], {
      env: { ...plainEnv, TERM: 'xterm-256color', ...env },
    });
    child.stdin.on('error', () => {});
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.printed += text;
      this.#look();
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), patience);
    this.#child = child;
    this.ended = new Promise((resolve) => {
      child.once('close', (code) => {
        clearTimeout(timer);
        resolve(code);
        this.#look();
      });
    });
  }

  /** Presses keys. */
  type(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Waits until this is printed, after what was waited for before; gives what came until then. */
  async until(text: string): Promise<string> {
    let over = false;
    void this.ended.then(() => {
      over = true;
    });
    for (;;) {
      const place = this.printed.indexOf(text, this.#seen);
      if (place >= 0) {
        const before = this.printed.slice(this.#seen, place);
        this.#seen = place + text.length;
        return before;
      }
      if (over) throw new Error(`It ended without printing ${JSON.stringify(text)}`);
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
  }
}
