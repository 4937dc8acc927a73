// The colours of an interactive chat. `interact.ts` writes with them.

/** The escape sequences of each voice; all empty where there are no colours. */
export interface Palette {
  user: string;
  bot: string;
  /** System messages, and what is told about the thread. */
  system: string;
  /** Notes at the side. */
  dim: string;
  error: string;
  /** Back to the terminal's own. */
  reset: string;
}

const colours: Palette = {
  user: '\u001b[32m',
  bot: '\u001b[36m',
  system: '\u001b[33m',
  dim: '\u001b[90m',
  error: '\u001b[91m',
  reset: '\u001b[0m',
};

const plain: Palette = { user: '', bot: '', system: '', dim: '', error: '', reset: '' };

/** What an output says of itself, if it is a terminal. */
interface MaybeTerminal {
  hasColors?: () => boolean;
}

/** Colours on a terminal that has them, unless they are not wanted, here or by NO_COLOR. */
export function choosePalette(wanted: boolean, terminal: boolean, output: object): Palette {
  const { hasColors } = output as MaybeTerminal;
  const forbidden = (process.env.NO_COLOR ?? '') !== '';
  if (!wanted || !terminal || forbidden) return plain;
  return hasColors?.call(output) === false ? plain : colours;
}
