// A failed request, before it becomes a public error. `exchange.ts` and the response readers create
// it, `retry.ts` decides by it, and `client.ts` throws the result of `publicError`.

import type { Completion } from '../../common/completion.js';
import { ContextOverflowError, type LMError, RemoteError } from '../../common/errors.js';

/** What is known about a failure. */
export interface FailureDetails {
  status?: number | undefined;
  requestId?: string | undefined;
  /** Whether retrying the same request may succeed. */
  isRetryable: boolean;
  /** The delay that the server requests before a retry, in milliseconds. */
  retryAfterMs?: number | undefined;
  /** The server's error object. */
  errorObject?: ErrorObject | undefined;
  cause?: unknown;
}

/** The `error` object of a response, with empty strings for absent fields. */
export interface ErrorObject {
  message: string;
  code: string;
  type: string;
  param: string;
}

/** A failed request. */
export class Failure extends Error {
  readonly details: FailureDetails;

  constructor(message: string, details: FailureDetails) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.details = details;
  }
}

const retryableStatuses = new Set([408, 409, 429]);

/** Whether a request that failed with this status may succeed when retried. 501: not implemented. */
export const isRetryableStatus = (status: number): boolean =>
  retryableStatuses.has(status) || (status >= 500 && status !== 501);

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';

/** Parses the `error` of a response. */
export function readErrorObject(error: unknown): ErrorObject {
  if (!isObject(error)) return { message: textOf(error), code: '', type: '', param: '' };
  const { message, code, type, param } = error;
  const text = textOf(message);
  return {
    message: text === '' ? JSON.stringify(error).slice(0, 500) : text,
    code: textOf(code),
    type: textOf(type),
    param: textOf(param),
  };
}

/** The failure for an error object in the body of a response with a success status. */
export function failureFromBody(error: unknown, about: Pick<FailureDetails, 'requestId'>): Failure {
  const errorObject = readErrorObject(error);
  // Some routers report the upstream server's status as the code.
  const code = Number(errorObject.code);
  const status = Number.isInteger(code) && code >= 400 && code < 600 ? code : undefined;
  const isRetryable = status === undefined ? !isOverflow(errorObject) : isRetryableStatus(status);
  return new Failure(`The server reported an error: ${errorObject.message}`, {
    ...about,
    status,
    isRetryable,
    errorObject,
  });
}

/**
 * Whether the error is about a prompt that is too long. Not every server has a code for it, so the
 * message is matched as well.
 */
function isOverflow({ code, type, message }: ErrorObject): boolean {
  return (
    code === 'context_length_exceeded' ||
    type === 'exceed_context_size_error' ||
    /(maximum|max) (model |context )+length|exceeds? the (available|maximum) context|context (size|window|length) (is )?exceeded/i.test(
      message,
    )
  );
}

/** The public error for a failure, with the partial completion if there is one. */
export function publicError(failure: Failure, attempts: number, completion?: Completion): LMError {
  const { details, message } = failure;
  const { status, requestId, errorObject } = details;
  const cause = failure.cause ?? failure;
  const isRefused = status === undefined || status === 400 || status === 413 || status === 422;
  if (errorObject !== undefined && isRefused && isOverflow(errorObject)) {
    return new ContextOverflowError(`The server reports: ${errorObject.message}`, {
      cause,
      completion,
    });
  }
  const count = attempts > 1 ? `All ${attempts} attempts failed; the last: ` : '';
  return new RemoteError(`${count}${message}`, { cause, status, requestId, completion });
}
