// Runs native calls under the caller's AbortSignal, with native errors converted to public ones.
// `lib/model/model.ts` and `lib/context/session.ts` make all their native calls through it.

import { raceAbort } from '../common/abort.js';
import { type NativeCancellation, native } from './binding.js';
import { fromNative } from './errors.js';

/**
 * Starts a job and awaits it. If the signal is already aborted, rejects with its reason without
 * starting the job; if it aborts later, cancels the job and rejects at once.
 */
export async function runJob<T>(
  start: (cancellation: NativeCancellation) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted();
  const cancellation = native.createCancellation();
  try {
    return await raceAbort(start(cancellation), signal, () => cancellation.cancel());
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw fromNative(error);
  }
}

/** Makes a synchronous native call, with its exceptions converted to public ones. */
export function callNative<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fromNative(error);
  }
}
