// Trying again: which failures, how often, and how long to wait. `client.ts` uses it.

import { Failure } from './failure.js';

/** How often and when requests are tried again. */
export interface RetryPolicy {
  /** Attempts in all. */
  retries: number;
  /** Milliseconds to wait after the first failure. */
  delta: number;
  /** What each later wait is multiplied by. */
  growth: number;
}

/** No wait is longer, whoever asks for it. */
const longestWait = 60_000;

/** How long to wait, by the headers of an answer: milliseconds, seconds, or a date. */
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

/** The wait after so many failures, the last of which is this. */
export function waitAfter({ delta, growth }: RetryPolicy, count: number, failure: Failure): number {
  const own = delta * growth ** (count - 1);
  return Math.min(failure.facts.retryAfterMs ?? own, longestWait);
}

/** All attempts failed, or the one after which no other makes sense. */
export interface GivenUp {
  failure: Failure;
  attempts: number;
}

/**
 * What an attempt gives, the first that succeeds.
 *
 * @param wait waits so many milliseconds; rejects where nobody waits any more
 * @param giveUp makes the error when there is no other attempt
 * @throws what an attempt throws that is no Failure
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
