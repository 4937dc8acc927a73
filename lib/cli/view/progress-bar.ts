// A progress bar on standard error, with cli-progress; prints nothing if that is not a terminal.

import { Presets, SingleBar } from 'cli-progress';

/** A bar that shows fractions from 0 to 1 and disappears when stopped. */
export function progressBar(title: string): {
  show: (fraction: number) => void;
  stop: () => void;
} {
  const bar = new SingleBar(
    {
      // The title is payload, so that placeholders in it are not expanded.
      format: '{title} {bar} {percentage}%',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      // The command installs its own signal handlers.
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  bar.start(1, 0, { title });
  return { show: (fraction) => bar.update(fraction), stop: () => bar.stop() };
}
