// Converts exceptions and rejections of native code to the public errors; nothing else does.

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

type Factory = (message: string, options?: ErrorOptions) => Error;

const coded =
  (code: ErrorCode): Factory =>
  (message, options = {}) =>
    new LMError(message, { ...options, code });

const factories: Record<NativeErrorCode, Factory> = {
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
 * The public error for an exception or rejection of native code. It captures a JavaScript stack,
 * since native errors have none; its `cause` is the native error's, which holds the engine's log.
 * Any other value is returned unchanged.
 */
export function fromNative(error: unknown): unknown {
  if (!types.isNativeError(error) || !('code' in error)) return error;
  const code = error.code as NativeErrorCode;
  if (!Object.hasOwn(factories, code)) return error;
  const options = error.cause === undefined ? undefined : { cause: error.cause };
  const result = factories[code](error.message, options);
  Error.captureStackTrace(result, fromNative);
  return result;
}
