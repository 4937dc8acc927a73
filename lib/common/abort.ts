// AbortSignals: a promise that gives up at once when its caller does. Pure; the native
// side of an abort is `lib/native/job.ts`.

import { onAbort } from './abort-listeners.js';

/**
 * The promise's outcome, or a rejection with the signal's reason as soon as it aborts.
 * `stop` is called then, to stop the work; the work's own outcome is dropped.
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
