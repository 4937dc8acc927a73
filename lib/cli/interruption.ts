// Signals that end the command: the running call is aborted, so that the model is closed
// before the process exits. run.ts watches them.

import { constants } from 'node:os';

/** The reason of an abort by a signal of the operating system. */
export class Interruption extends Error {
  /** 128 + the signal's number, as shells have it. */
  readonly exitCode: number;

  constructor(name: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    super(`Ended by ${name}`);
    this.exitCode = 128 + constants.signals[name];
  }
}

/** An AbortSignal that the first such signal aborts; the second one kills, as without this. */
export function watchInterruptions(): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const watch = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => {
    const interrupt = (): void => controller.abort(new Interruption(name));
    process.once(name, interrupt);
    return (): void => void process.off(name, interrupt);
  });
  const stop = (): void => {
    for (const unwatch of watch) unwatch();
  };
  return { signal: controller.signal, stop };
}
