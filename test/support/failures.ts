// Helpers for rejections: the error of a call, and the expected argument errors.

import type { LMError } from 'autocog-lm';

/** The error that a promise rejects with. */
export const failure = (promise: Promise<unknown>): Promise<LMError> =>
  promise.then(
    () => new Error('It resolved') as LMError,
    (error: unknown) => error as LMError,
  );

/** The error of each promise; all are awaited at once, so that no rejection is unhandled. */
export const failures = (promises: readonly Promise<unknown>[]): Promise<LMError[]> =>
  Promise.all(promises.map(failure));

/** The error for a value out of range. */
export const wrongSize = (what: string, name: string, got: string) => ({
  name: 'RangeError',
  code: 'OUT_OF_RANGE',
  message: `Expected ${what} for ${name}, got ${got}`,
});

/** The error for a value of the wrong type. */
export const wrongKind = (what: string, name: string, got: string) => ({
  ...wrongSize(what, name, got),
  name: 'TypeError',
  code: 'INVALID_ARGUMENT',
});
