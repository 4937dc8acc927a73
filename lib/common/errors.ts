// The error codes and classes of this package. `docs/errors.md` documents each code;
// `lib/native/errors.ts` converts native errors to these.

import type { Completion } from './completion.js';

/** Every value that `error.code` takes; `docs/errors.md` has a row for each. */
export const errorCodes = [
  'ABORTED',
  'ADDON_NOT_FOUND',
  'BINDING_LOAD',
  'CLOSED',
  'CONFIG_INVALID',
  'CONFIG_NOT_SAVED',
  'CONTEXT_OVERFLOW',
  'DECODE_FAILED',
  'INTERNAL',
  'INVALID_ARGUMENT',
  'INVALID_LOGPROBS',
  'LOG_NOT_WRITTEN',
  'MODEL_LOAD',
  'NOT_SUPPORTED',
  'OUT_OF_MEMORY',
  'OUT_OF_RANGE',
  'PEER_MISSING',
  'REFUSED',
  'REMOTE',
  'RETRIES_EXHAUSTED',
  'STATE_MISMATCH',
  'STATE_NOT_SAVED',
] as const;

/** One of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number];

/** A failure that is not the caller's mistake. `cause` holds the underlying cause, if any. */
export class LMError extends Error {
  override name = 'LMError';
  readonly code: ErrorCode;

  constructor(message: string, options: { code: ErrorCode; cause?: unknown }) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = options.code;
  }
}

/** The file is missing, not a model, or not supported by the engine. Code `MODEL_LOAD`. */
export class ModelLoadError extends LMError {
  override name = 'ModelLoadError';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'MODEL_LOAD' });
  }
}

/** The tokens do not fit in the context. Code `CONTEXT_OVERFLOW`. */
export class ContextOverflowError extends LMError {
  override name = 'ContextOverflowError';
  /** The partial completion, if the context became full during generation. */
  readonly completion: Completion | undefined;

  constructor(
    message: string,
    options: { cause?: unknown; completion?: Completion | undefined } = {},
  ) {
    const { completion, ...rest } = options;
    super(message, { ...rest, code: 'CONTEXT_OVERFLOW' });
    this.completion = completion;
  }
}

/** The LM or model was closed before or during the call. Code `CLOSED`. */
export class ClosedError extends LMError {
  override name = 'ClosedError';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'CLOSED' });
  }
}

/** The request is valid, but this LM or release does not support it. Code `NOT_SUPPORTED`. */
export class NotSupportedError extends LMError {
  override name = 'NotSupportedError';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'NOT_SUPPORTED' });
  }
}

/**
 * A server rejected the request, failed, sent an invalid response or timed out, on every attempt.
 * Code `REMOTE`.
 */
export class RemoteError extends LMError {
  override name = 'RemoteError';
  /** The HTTP status of the last response; undefined if there was none or it was cut off. */
  readonly status: number | undefined;
  /** The server's id of the request (`x-request-id`), if it sent one. */
  readonly requestId: string | undefined;
  /** The partial completion, if the server failed during generation. */
  readonly completion: Completion | undefined;

  constructor(
    message: string,
    options: {
      cause?: unknown;
      status?: number | undefined;
      requestId?: string | undefined;
      completion?: Completion | undefined;
    } = {},
  ) {
    const { status, requestId, completion, ...rest } = options;
    super(message, { ...rest, code: 'REMOTE' });
    this.status = status;
    this.requestId = requestId;
    this.completion = completion;
  }
}

/** An argument of a wrong type or form: a `TypeError` with code `INVALID_ARGUMENT`. */
export function invalidArgument(message: string, options?: ErrorOptions): TypeError {
  return Object.assign(new TypeError(message, options), { code: 'INVALID_ARGUMENT' as const });
}

/** An argument out of range: a `RangeError` with code `OUT_OF_RANGE`. */
export function outOfRange(message: string, options?: ErrorOptions): RangeError {
  return Object.assign(new RangeError(message, options), { code: 'OUT_OF_RANGE' as const });
}
