// What every asynchronous call takes, whatever else its options are.

import { checkOptions, checkSignal } from './arguments.js';

/** What every asynchronous call takes. */
export interface CallOptions {
  /** Aborts the call: it rejects at once with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Reads the options of a call that takes nothing else; throws TypeError. */
export function readSignal(options: CallOptions | undefined): AbortSignal | undefined {
  return checkSignal(checkOptions(options, 'options', ['signal']).signal, 'signal');
}
