// Handles termination signals: aborts the running call, so that the model is closed before the
// process exits. run.ts installs the handlers.

import { constants } from 'node:os';

/** The abort reason after an operating system signal. */
export class Interruption extends Error {
  /** 128 + the signal's number, the convention of shells. */
  readonly exitCode: number;

  constructor(name: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    super(`Terminated by ${name}`);
    this.exitCode = 128 + constants.signals[name];
  }
}

/** An AbortSignal that the first signal aborts. A second one kills the process, as by default. */
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
