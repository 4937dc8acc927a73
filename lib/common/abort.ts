// Races promises and timers against an AbortSignal. Plain TypeScript: `lib/native/job.ts` cancels
// native work.

import { onAbort } from './abort-listeners.js';

/**
 * Settles like the promise, or rejects with the signal's reason as soon as it aborts. On abort,
 * `stop` is called to stop the work, whose own outcome is dropped.
 */
export function raceAbort<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  stop?: () => void,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    let unlisten = (): void => {};
    const settle = (): void => unlisten();
    promise.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error: unknown) => {
        settle();
        reject(error);
      },
    );
    unlisten = onAbort(signal, () => {
      reject(signal.reason);
      stop?.();
    });
  });
}

/** Waits `ms` milliseconds; rejects with the signal's reason when it aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const waiting = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return raceAbort(waiting, signal, () => clearTimeout(timer));
}
