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
const longestWait = 60_000;

/**
 * The delay that response headers request, in milliseconds. They state milliseconds, seconds, or a
 * date.
 */
export function retryAfterOf(
  milliseconds: string | null | undefined,
  secondsOrDate: string | null | undefined,
  now = Date.now(),
): number | undefined {
  const wishes = [
    milliseconds ? Number(milliseconds) : Number.NaN,
    secondsOrDate ? Number(secondsOrDate) * 1000 : Number.NaN,
    secondsOrDate ? Date.parse(secondsOrDate) - now : Number.NaN,
  ];
  const wish = wishes.find((wait) => !Number.isNaN(wait));
  return wish === undefined ? undefined : Math.max(0, wish);
}

/** Milliseconds to wait after the given number of failures, the last of which is `failure`. */
export function waitAfter({ delta, growth }: RetryPolicy, count: number, failure: Failure): number {
  const own = delta * growth ** (count - 1);
  return Math.min(failure.facts.retryAfterMs ?? own, longestWait);
}

/** The last failure: either the attempts are exhausted or a retry cannot help. */
export interface GivenUp {
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
export async function retrying<T>(
  policy: RetryPolicy,
  wait: (milliseconds: number) => Promise<void>,
  attempt: () => Promise<T>,
  giveUp: (end: GivenUp) => unknown,
): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (!error.facts.mayPass || attempts >= policy.retries) {
        throw giveUp({ failure: error, attempts });
      }
      await wait(waitAfter(policy, attempts, error));
    }
  }
}
