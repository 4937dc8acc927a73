// What calls reject with, and what it should look like.

import type { LMError } from 'autocog-lm';

/** What a promise rejects with. */
export const failure = (promise: Promise<unknown>): Promise<LMError> =>
  promise.then(
    () => new Error('It resolved') as LMError,
    (error: unknown) => error as LMError,
  );

/** What each rejects with; all are waited for at once, so that none goes unhandled. */
export const failures = (promises: readonly Promise<unknown>[]): Promise<LMError[]> =>
  Promise.all(promises.map(failure));

/** The formula for a value of the wrong size. */
export const wrongSize = (what: string, name: string, got: string) => ({
  name: 'RangeError',
  code: 'OUT_OF_RANGE',
  message: `Expected ${what} for ${name}, got ${got}`,
});

/** The formula for a value of the wrong kind. */
export const wrongKind = (what: string, name: string, got: string) => ({
  ...wrongSize(what, name, got),
  name: 'TypeError',
  code: 'INVALID_ARGUMENT',
});
