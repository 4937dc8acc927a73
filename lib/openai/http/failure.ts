// How one request failed, before it is an error of this package. `exchange.ts` and the readers of
// answers make it, `retry.ts` decides by it, `client.ts` hands out `publicError`.

import type { Completion } from '../../common/completion.js';
import { ContextOverflowError, type LMError, RemoteError } from '../../common/errors.js';

/** What is known of a failure. */
export interface FailureFacts {
  status?: number | undefined;
  requestId?: string | undefined;
  /** Whether the same request may succeed another time. */
  mayPass: boolean;
  /** How long the server asks to wait, in milliseconds. */
  retryAfterMs?: number | undefined;
  /** What the server says was wrong: its `code`, `type` and `param`, where it has them. */
  refusal?: Refusal | undefined;
  cause?: unknown;
}

/** A server's own words. */
export interface Refusal {
  message: string;
  code: string;
  type: string;
  param: string;
}

/** A request that failed. */
export class Failure extends Error {
  readonly facts: FailureFacts;

  constructor(message: string, facts: FailureFacts) {
    super(message, 'cause' in facts ? { cause: facts.cause } : undefined);
    this.facts = facts;
  }
}

const retried = new Set([408, 409, 429]);

/** Whether a server that answers so may answer otherwise the next time. */
export const mayPass = (status: number): boolean => retried.has(status) || status >= 500;

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';

/** What a server means by the `error` of its answer. */
export function refusalOf(error: unknown): Refusal {
  if (!isObject(error)) return { message: textOf(error), code: '', type: '', param: '' };
  const { message, code, type, param } = error;
  const said = textOf(message);
  return {
    message: said === '' ? JSON.stringify(error).slice(0, 500) : said,
    code: textOf(code),
    type: textOf(type),
    param: textOf(param),
  };
}

/** A failure that is told in the body of an answer that was begun well. */
export function failureInBody(error: unknown, about: Pick<FailureFacts, 'requestId'>): Failure {
  const refusal = refusalOf(error);
  // Some routers give the status of whom they asked as the code.
  const told = Number(refusal.code);
  const status = Number.isInteger(told) && told >= 400 && told < 600 ? told : undefined;
  const passes = status === undefined ? !isOverflow(refusal) : mayPass(status);
  return new Failure(`The server failed: ${refusal.message}`, {
    ...about,
    status,
    mayPass: passes,
    refusal,
  });
}

/** Whether the refusal is about a prompt that is too long. Not every server has a code for it. */
function isOverflow({ code, type, message }: Refusal): boolean {
  return (
    code === 'context_length_exceeded' ||
    type === 'exceed_context_size_error' ||
    /(maximum|max) (model |context )+length|exceeds? the (available|maximum) context|context (size|window|length) (is )?exceeded/i.test(
      message,
    )
  );
}

/** The error of this package for a failure, with what was written before it. */
export function publicError(failure: Failure, attempts: number, completion?: Completion): LMError {
  const { facts, message } = failure;
  const { status, requestId, refusal } = facts;
  const cause = failure.cause ?? failure;
  const isRefused = status === undefined || status === 400 || status === 413 || status === 422;
  if (refusal !== undefined && isRefused && isOverflow(refusal)) {
    return new ContextOverflowError(`The server says: ${refusal.message}`, { cause, completion });
  }
  const count = attempts > 1 ? `All ${attempts} attempts failed; the last: ` : '';
  return new RemoteError(`${count}${message}`, { cause, status, requestId, completion });
}
