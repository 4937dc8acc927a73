// Request failures as an HTTP status and OpenAI's error object. `app.ts` sends them.

import { types } from 'node:util';
import { argumentOf, describe } from '../../common/arguments.js';
import { LMError } from '../../common/errors.js';

/** OpenAI's error types, which clients branch on. */
export type ErrorType = 'invalid_request_error' | 'authentication_error' | 'server_error';

/** The fields of an error object besides its message. */
export interface ErrorDetails {
  type?: ErrorType | undefined;
  /** The invalid field. */
  param?: string | undefined;
  code?: string | undefined;
  /** Seconds after which to try again, for the header `Retry-After`. */
  retryAfter?: number | undefined;
  /** The underlying cause, for the server's own log. */
  cause?: unknown;
}

/** OpenAI's error object. */
export interface ErrorBody {
  error: { message: string; type: ErrorType; param: string | null; code: string | null };
}

/** An error response. */
export class HttpError extends Error {
  override name = 'HttpError';
  readonly status: number;
  readonly details: ErrorDetails;

  constructor(status: number, message: string, { cause, ...details }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
    this.details = details;
  }

  get body(): ErrorBody {
    const { type, param = null, code = null } = this.details;
    const defaultType = this.status >= 500 ? 'server_error' : 'invalid_request_error';
    return { error: { message: this.message, type: type ?? defaultType, param, code } };
  }
}

/** An invalid field: 400. */
export function invalidField(what: string, name: string, value: unknown): HttpError {
  const message = `Expected ${what} for ${name}, got ${describe(value)}`;
  return new HttpError(400, message, { param: name, code: 'invalid_value' });
}

/** Context overflow: 400, with the code that OpenAI clients know. */
export function contextLengthExceeded(message: string, param: string): HttpError {
  return new HttpError(400, message, { param, code: 'context_length_exceeded' });
}

/** The server is shutting down: 503. */
export const serverClosing = (): HttpError =>
  new HttpError(503, 'The server is closing', { code: 'server_closing' });

/** Too many requests wait: 503. */
export function serverBusy(retryAfter: number): HttpError {
  const message = `Too many requests are waiting; try again in ${retryAfter} s`;
  return new HttpError(503, message, { code: 'server_busy', retryAfter });
}

/** The request took longer than the server allows: 504. */
export const requestTimedOut = (limit: number): HttpError =>
  new HttpError(504, `The request took longer than ${limit} ms`, { code: 'request_timeout' });

/** The client does not read its stream. It learns of this if it goes on reading. */
export const clientTooSlow = (limit: number): HttpError =>
  new HttpError(408, `The client left more than ${limit} bytes of its stream unread`, {
    code: 'client_too_slow',
  });

/** Codes of the package's errors about invalid arguments. */
const argumentErrorCodes: readonly unknown[] = ['INVALID_ARGUMENT', 'OUT_OF_RANGE'];

/** Whether this is an error of the package about an invalid argument. */
export const isArgumentError = (error: unknown): error is Error =>
  types.isNativeError(error) &&
  argumentErrorCodes.includes((error as Error & { code?: unknown }).code);

/**
 * The error with the request field that is at fault, unless it names one already, or the request is
 * not at fault.
 */
export function blame(error: unknown, param: string | undefined): unknown {
  const known = toHttpError(error);
  const { message, status, details } = known;
  if (status !== 400 || details.param !== undefined || param === undefined) return error;
  return new HttpError(400, message, { ...details, param, cause: error });
}

/** The message of an error about an argument, with the request's field in its place. */
export function renamed(message: string, argument: string, param: string): string {
  // A short name such as `labels` may also be a word of the message.
  const end = ', got ';
  const isUsual = message.includes(argument + end);
  return isUsual
    ? message.replace(argument + end, () => param + end)
    : message.replace(argument, () => param);
}

/**
 * The error of an LM's call as one about a request field. `fieldOf` returns the field for the LM's
 * argument that the error is about, such as `choices[1]`, if known, and undefined for none.
 */
export function blameArgument(
  error: unknown,
  fieldOf: (argument: string | undefined) => string | undefined,
): unknown {
  const argument = argumentOf(error);
  const param = fieldOf(argument);
  const blamed = blame(error, param);
  if (!(blamed instanceof HttpError) || argument === undefined || param === undefined)
    return blamed;
  const message = renamed(blamed.message, argument, param);
  return new HttpError(blamed.status, message, { ...blamed.details, cause: error });
}

/** Awaits a call of the LM; its errors are those of {@link blameArgument}. */
export async function blaming<T>(
  call: Promise<T>,
  fieldOf: (argument: string | undefined) => string | undefined,
): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw blameArgument(error, fieldOf);
  }
}

/** Maps any error to an error response. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (isArgumentError(error)) {
    return new HttpError(400, error.message, { code: 'invalid_value', cause: error });
  }
  if (!(error instanceof LMError)) {
    return new HttpError(500, 'Internal server error', { code: 'internal_error', cause: error });
  }
  const { message, code } = error;
  switch (code) {
    case 'CONTEXT_OVERFLOW':
      return new HttpError(400, message, { code: 'context_length_exceeded', cause: error });
    case 'NOT_SUPPORTED':
      return new HttpError(400, message, { code: 'not_supported', cause: error });
    case 'CLOSED':
      return new HttpError(503, message, { code: 'server_closing', cause: error });
    default:
      return new HttpError(500, message, { code: code.toLowerCase(), cause: error });
  }
}
