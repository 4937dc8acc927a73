// Retries: which failures, how often, and after which delay. `client.ts` uses it.

import { Failure } from './failure.js';

/** How often and when requests are retried. */
export interface RetryPolicy {
  /** Maximum number of attempts. */
  retries: number;
  /** Milliseconds to wait after the first failure. */
  delta: number;
  /** Factor by which each later wait grows. */
  growth: number;
}

/** Upper bound of every wait, also of those that the server requests. */
const maxWait = 60_000;

/**
 * The delay that response headers request, in milliseconds. They state milliseconds, seconds, or a
 * date.
 */
export function parseRetryAfter(
  milliseconds: string | null | undefined,
  secondsOrDate: string | null | undefined,
  now = Date.now(),
): number | undefined {
  const delays = [
    milliseconds ? Number(milliseconds) : Number.NaN,
    secondsOrDate ? Number(secondsOrDate) * 1000 : Number.NaN,
    secondsOrDate ? Date.parse(secondsOrDate) - now : Number.NaN,
  ];
  const delay = delays.find((wait) => !Number.isNaN(wait));
  return delay === undefined ? undefined : Math.max(0, delay);
}

/** Milliseconds to wait after the given number of failures, the last of which is `failure`. */
export function retryDelay(
  { delta, growth }: RetryPolicy,
  failures: number,
  failure: Failure,
): number {
  const backoff = delta * growth ** (failures - 1);
  return Math.min(failure.details.retryAfterMs ?? backoff, maxWait);
}

/** The last failure: either the attempts are exhausted or a retry cannot help. */
export interface LastFailure {
  failure: Failure;
  attempts: number;
}

/**
 * The result of the first attempt that succeeds.
 *
 * @param wait waits for the given number of milliseconds; rejects if the call is aborted
 * @param giveUp makes the error once there is no further attempt
 * @throws what an attempt throws, if it is not a Failure
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  wait: (milliseconds: number) => Promise<void>,
  attempt: () => Promise<T>,
  giveUp: (last: LastFailure) => unknown,
): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (!error.details.isRetryable || attempts >= policy.retries) {
        throw giveUp({ failure: error, attempts });
      }
      await wait(retryDelay(policy, attempts, error));
    }
  }
}
