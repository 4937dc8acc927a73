// The one place that turns what native code threw or rejected with into a public error.

import { types } from 'node:util';
import {
  ClosedError,
  ContextOverflowError,
  type ErrorCode,
  invalidArgument,
  LMError,
  ModelLoadError,
  NotSupportedError,
  outOfRange,
} from '../common/errors.js';
import type { NativeErrorCode } from './binding.js';

type Make = (message: string, options?: ErrorOptions) => Error;

const coded =
  (code: ErrorCode): Make =>
  (message, options = {}) =>
    new LMError(message, { ...options, code });

const makers: Record<NativeErrorCode, Make> = {
  ABORTED: coded('ABORTED'),
  CLOSED: (message, options) => new ClosedError(message, options),
  CONTEXT_OVERFLOW: (message, options) => new ContextOverflowError(message, options),
  DECODE_FAILED: coded('DECODE_FAILED'),
  INTERNAL: coded('INTERNAL'),
  INVALID_ARGUMENT: invalidArgument,
  MODEL_LOAD: (message, options) => new ModelLoadError(message, options),
  NOT_SUPPORTED: (message, options) => new NotSupportedError(message, options),
  OUT_OF_MEMORY: coded('OUT_OF_MEMORY'),
  OUT_OF_RANGE: outOfRange,
  STATE_MISMATCH: coded('STATE_MISMATCH'),
};

/**
 * The public error for what native code threw or rejected with. Its stack is the caller's,
 * as native code has none; its `cause` is the native error's, which holds the engine's log.
 * What carries no native code is returned as it is.
 */
export function fromNative(error: unknown): unknown {
  if (!types.isNativeError(error) || !('code' in error)) return error;
  const code = error.code as NativeErrorCode;
  if (!Object.hasOwn(makers, code)) return error;
  const options = error.cause === undefined ? undefined : { cause: error.cause };
  const result = makers[code](error.message, options);
  Error.captureStackTrace(result, fromNative);
  return result;
}
