// Runs one native job for a caller: under its AbortSignal, and with native errors turned
// into public ones. `lib/model/model.ts` and `lib/context/session.ts` call nothing native without it.

import { raceAbort } from '../common/abort.js';
import { type NativeCancellation, native } from './binding.js';
import { fromNative } from './errors.js';

/**
 * Starts a job and awaits it. Rejects with the signal's reason: before anything starts if it
 * is aborted already, at once and with the job cancelled if it aborts meanwhile.
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

/** A synchronous native call, its exceptions turned into public ones. */
export function callNative<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fromNative(error);
  }
}
