// What goes wrong in a request, as an HTTP status and OpenAI's error object: `app.ts` writes it.

import { types } from 'node:util';
import { describe } from '../../common/arguments.js';
import { LMError } from '../../common/errors.js';

/** Words that clients branch on, as OpenAI has them. */
export type ErrorType = 'invalid_request_error' | 'authentication_error' | 'server_error';

/** What an error object says besides its message. */
export interface ErrorFacts {
  type?: ErrorType | undefined;
  /** The field that is wrong. */
  param?: string | undefined;
  code?: string | undefined;
  /** What lies under it, for the server's own log. */
  cause?: unknown;
}

/** OpenAI's error object. */
export interface ErrorBody {
  error: { message: string; type: ErrorType; param: string | null; code: string | null };
}

/** A request that gets another answer than it wanted. */
export class HttpError extends Error {
  override name = 'HttpError';
  readonly status: number;
  readonly facts: ErrorFacts;

  constructor(status: number, message: string, { cause, ...facts }: ErrorFacts = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
    this.facts = facts;
  }

  get body(): ErrorBody {
    const { type, param = null, code = null } = this.facts;
    const usual = this.status >= 500 ? 'server_error' : 'invalid_request_error';
    return { error: { message: this.message, type: type ?? usual, param, code } };
  }
}

/** A field that is not as it has to be: 400. */
export function badField(what: string, name: string, value: unknown): HttpError {
  const message = `Expected ${what} for ${name}, got ${describe(value)}`;
  return new HttpError(400, message, { param: name, code: 'invalid_value' });
}

/** More tokens than the context has room for: 400, with the code that clients know. */
export function tooLong(message: string, param: string): HttpError {
  return new HttpError(400, message, { param, code: 'context_length_exceeded' });
}

/** The server is about to end: 503. */
export const closing = (): HttpError =>
  new HttpError(503, 'The server is closing', { code: 'server_closing' });

/** The codes of a caller's mistake. */
const mistakes: readonly unknown[] = ['INVALID_ARGUMENT', 'OUT_OF_RANGE'];

/** Whether an error of the package says that an argument is wrong. */
export const isMistake = (error: unknown): error is Error =>
  types.isNativeError(error) && mistakes.includes((error as Error & { code?: unknown }).code);

/** What a request's failure is answered with. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (isMistake(error)) {
    return new HttpError(400, error.message, { code: 'invalid_value', cause: error });
  }
  if (!(error instanceof LMError)) {
    return new HttpError(500, 'The server failed', { code: 'internal_error', cause: error });
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
