// The colors of an interactive chat. `terminal-chat.ts` prints with them.

/** The escape sequence of each kind of output; all empty without colors. */
export interface Palette {
  user: string;
  bot: string;
  /** System messages, and the output of commands. */
  system: string;
  /** Side notes. */
  dim: string;
  error: string;
  /** Restores the terminal's default. */
  reset: string;
}

const colors: Palette = {
  user: '\u001b[32m',
  bot: '\u001b[36m',
  system: '\u001b[33m',
  dim: '\u001b[90m',
  error: '\u001b[91m',
  reset: '\u001b[0m',
};

const plain: Palette = { user: '', bot: '', system: '', dim: '', error: '', reset: '' };

/** An output, which is a `tty.WriteStream` if it is a terminal. */
interface MaybeTerminal {
  hasColors?: () => boolean;
}

/** Colors if requested, on a terminal that supports them, and unless NO_COLOR is set. */
export function choosePalette(requested: boolean, terminal: boolean, output: object): Palette {
  const { hasColors } = output as MaybeTerminal;
  const noColor = (process.env.NO_COLOR ?? '') !== '';
  if (!requested || !terminal || noColor) return plain;
  return hasColors?.call(output) === false ? plain : colors;
}
