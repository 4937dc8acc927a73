// The options that every asynchronous call accepts.

import { checkOptions, checkSignal } from './arguments.js';

/** Options of every asynchronous call. */
export interface CallOptions {
  /** Aborts the call: it rejects at once with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Reads the options of a call that has no others; throws TypeError. */
export function readSignal(options: CallOptions | undefined): AbortSignal | undefined {
  return checkSignal(checkOptions(options, 'options', ['signal']).signal, 'signal');
}
