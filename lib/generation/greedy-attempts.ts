// Calls `greedyImpl` with retries and checks that it returns a distribution. GreedyLM's
// `nextLogprobs` uses it.

import { types } from 'node:util';
import { raceAbort, sleep } from '../common/abort.js';
import { checkInteger, checkNumber } from '../common/arguments.js';
import { LMError } from '../common/errors.js';
import { logSumExp } from '../common/log-softmax.js';

/** How often to try, and how long to wait in between. */
export interface RetryPolicy {
  /** Attempts in total. */
  retries: number;
  /** Milliseconds to wait after the first failure. */
  delta: number;
  /** The factor by which each later wait grows. */
  growth: number;
}

/** One call of an LM's `greedyImpl`, to be attempted. */
export interface GreedyCall {
  /** Throws if the LM is closed or the call aborted; awaited before every attempt. */
  admit(): Promise<void>;
  compute(): Promise<Float32Array>;
  vocabularySize(): number | undefined;
}

const neverRetried = new Set(['ABORTED', 'CLOSED', 'CONTEXT_OVERFLOW', 'NOT_SUPPORTED']);

/** The tolerance for the log of a distribution's total probability. */
const sumTolerance = 1e-2;

/** Checks the policy and sets its defaults; throws TypeError or RangeError. */
export function readRetryPolicy({
  retries,
  delta,
  growth,
}: {
  [name in keyof RetryPolicy]?: number | undefined;
}): RetryPolicy {
  return {
    retries: checkInteger(retries ?? 3, 'retries', 1),
    delta: checkNumber(delta ?? 1000, 'delta', 0),
    growth: checkNumber(growth ?? 4, 'growth', 0),
  };
}

/**
 * Attempts the call until it succeeds, retrying failures that a retry may fix.
 *
 * @throws LMError `RETRIES_EXHAUSTED`, caused by an AggregateError, if every attempt failed; the
 * failure itself if a retry would not help
 */
export async function attemptGreedy(
  call: GreedyCall,
  { retries, delta, growth }: RetryPolicy,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const failures: unknown[] = [];
  for (let wait = delta; ; wait *= growth) {
    await call.admit();
    try {
      const logprobs = await raceAbort(call.compute(), signal);
      checkLogprobs(logprobs, call.vocabularySize());
      return logprobs;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (isFinal(error)) throw error;
      failures.push(error);
    }
    if (failures.length === retries) break;
    await sleep(wait, signal);
  }
  const last = failures.at(-1);
  const reason = last instanceof Error ? last.message : String(last);
  throw new LMError(`All ${failures.length} attempts failed; the last: ${reason}`, {
    code: 'RETRIES_EXHAUSTED',
    cause: new AggregateError(failures),
  });
}

/** Whether a retry would fail in the same way. */
function isFinal(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true;
  return error instanceof LMError && neverRetried.has(error.code);
}

function checkLogprobs(logprobs: Float32Array, size: number | undefined): void {
  const fail = (message: string): never => {
    throw new LMError(message, { code: 'INVALID_LOGPROBS' });
  };
  if (!types.isFloat32Array(logprobs)) fail('greedyImpl did not return a Float32Array');
  if (size !== undefined && logprobs.length !== size) {
    fail(`greedyImpl returned ${logprobs.length} log-probabilities for a vocabulary of ${size}`);
  }
  const total = logSumExp(logprobs);
  if (!(Math.abs(total) < sumTolerance)) {
    fail(
      `greedyImpl returned log-probabilities whose exponentials sum to ${Math.exp(total)}, not 1`,
    );
  }
}
