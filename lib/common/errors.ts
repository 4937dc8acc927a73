// Every error of this package: the codes, the classes, and the one place that turns a
// native rejection into one of them. `docs/errors.md` explains each code to a reader.

import type { Completion } from './completion.js';

/** Every value that `error.code` takes; `docs/errors.md` has a row for each. */
export const errorCodes = [
  'ABORTED',
  'ADDON_NOT_FOUND',
  'CLOSED',
  'CONTEXT_OVERFLOW',
  'DECODE_FAILED',
  'INTERNAL',
  'INVALID_ARGUMENT',
  'INVALID_LOGPROBS',
  'MODEL_LOAD',
  'NOT_SUPPORTED',
  'OUT_OF_MEMORY',
  'OUT_OF_RANGE',
  'PEER_MISSING',
  'REMOTE',
  'RETRIES_EXHAUSTED',
  'STATE_MISMATCH',
  'STATE_NOT_SAVED',
] as const;

/** One of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number];

/** A failure that is not the caller's mistake. `cause` holds what lies under it, if anything. */
export class LMError extends Error {
  override name = 'LMError';
  readonly code: ErrorCode;

  constructor(message: string, options: { code: ErrorCode; cause?: unknown }) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = options.code;
  }
}

/** The file is missing, is no model, or is one that the engine cannot build. Code `MODEL_LOAD`. */
export class ModelLoadError extends LMError {
  override name = 'ModelLoadError';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'MODEL_LOAD' });
  }
}

/** The tokens do not fit in the context. Code `CONTEXT_OVERFLOW`. */
export class ContextOverflowError extends LMError {
  override name = 'ContextOverflowError';
  /** What was written before the context was full, where a completion met its end. */
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

/** The LM or model was closed before the call, or while it ran. Code `CLOSED`. */
export class ClosedError extends LMError {
  override name = 'ClosedError';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'CLOSED' });
  }
}

/** What was asked for is understood, but this LM or release cannot do it. Code `NOT_SUPPORTED`. */
export class NotSupportedError extends LMError {
  override name = 'NotSupportedError';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, code: 'NOT_SUPPORTED' });
  }
}

/**
 * A server refused, failed, answered what cannot be read, or did not answer in time, as often as
 * it was tried. Code `REMOTE`.
 */
export class RemoteError extends LMError {
  override name = 'RemoteError';
  /** The HTTP status of the last answer; undefined where there was none, or where it broke off. */
  readonly status: number | undefined;
  /** What the server calls the request, where it names it (`x-request-id`). */
  readonly requestId: string | undefined;
  /** What was written before the server failed, where a completion was under way. */
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

/** A caller's mistake of kind: a `TypeError` whose `code` is `INVALID_ARGUMENT`. */
export function invalidArgument(message: string, options?: ErrorOptions): TypeError {
  return Object.assign(new TypeError(message, options), { code: 'INVALID_ARGUMENT' as const });
}

/** A caller's mistake of size: a `RangeError` whose `code` is `OUT_OF_RANGE`. */
export function outOfRange(message: string, options?: ErrorOptions): RangeError {
  return Object.assign(new RangeError(message, options), { code: 'OUT_OF_RANGE' as const });
}
