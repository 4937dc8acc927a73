// The interface that native calls need from their context. `lib/context/session.ts` implements it.

import type { NativeCancellation, NativeSession } from './binding.js';

/** Runs jobs in a native context, one at a time. */
export interface Runner {
  /** The parts of the model that native calls need: vocabulary size and BOS token. */
  readonly model: { readonly vocab: { readonly size: number; readonly bos: number | undefined } };
  /** Runs one job on the context's thread, after all earlier ones. */
  run<T>(
    start: (session: NativeSession, cancellation: NativeCancellation) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>;
}
