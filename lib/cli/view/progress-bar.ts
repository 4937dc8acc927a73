// A progress bar on standard error, by cli-progress; nothing where that is no terminal.

import { Presets, SingleBar } from 'cli-progress';

/** A bar that shows fractions, from 0 to 1, and vanishes when it stops. */
export function progressBar(title: string): {
  show: (fraction: number) => void;
  stop: () => void;
} {
  const bar = new SingleBar(
    {
      // The title is payload: what looks like a placeholder in it is none.
      format: '{title} {bar} {percentage}%',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      // The command has handlers of its own.
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  bar.start(1, 0, { title });
  return { show: (fraction) => bar.update(fraction), stop: () => bar.stop() };
}
