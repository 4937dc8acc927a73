// What native calls need of the context that they run in. `lib/context/session.ts` is one.

import type { NativeCancellation, NativeSession } from './binding.js';

/** Runs jobs in a native context, one after the other. */
export interface Runner {
  /** What is asked of the model: its tokens, and the one that begins a text. */
  readonly model: { readonly vocab: { readonly size: number; readonly bos: number | undefined } };
  /** Runs one job on the context's thread, after those before it. */
  run<T>(
    start: (session: NativeSession, cancellation: NativeCancellation) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>;
}
