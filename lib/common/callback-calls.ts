// The calls of a user's callback during one call of ours. A callback that throws, or whose promise
// rejects, fails that call: nothing else would ever learn of it, and an unhandled rejection ends the
// process. For callbacks that belong to no call, `guarded` warns.

import { warn } from './warnings.js';

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  typeof (value as { then?: unknown }).then === 'function';

/** Runs a callback any number of times, and keeps its first failure. */
export class CallbackCalls {
  /** What the callback threw or rejected with. It is not called again after that. */
  failure: { readonly reason: unknown } | undefined;
  readonly #onFailure: () => void;
  readonly #pending = new Set<Promise<void>>();

  /** @param onFailure ends the call, which has to throw the failure */
  constructor(onFailure: () => void) {
    this.#onFailure = onFailure;
  }

  /** Calls the callback; `onResult` receives what it returns or its promise resolves to. */
  run(callback: () => unknown, onResult: (result: unknown) => void = () => {}): void {
    if (this.failure !== undefined) return;
    try {
      const result = callback();
      if (isThenable(result)) this.#wait(Promise.resolve(result).then(onResult));
      else onResult(result);
    } catch (reason) {
      this.#fail(reason);
    }
  }

  /** Resolves when all promises of the callback have settled. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  #wait(promise: Promise<void>): void {
    const waiting: Promise<void> = promise
      .catch((reason: unknown) => this.#fail(reason))
      .finally(() => this.#pending.delete(waiting));
    this.#pending.add(waiting);
  }

  #fail(reason: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = { reason };
    this.#onFailure();
  }
}

/** A callback that belongs to no call: its first failure is a process warning. */
export function guarded<Args extends unknown[]>(
  name: string,
  callback: (...args: Args) => unknown,
): (...args: Args) => void {
  let hasWarned = false;
  const report = (reason: unknown): void => {
    if (hasWarned) return;
    hasWarned = true;
    const detail = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    warn('AUTOCOG_CALLBACK_FAILED', `The function ${name} has failed; it is still called`, detail);
  };
  return (...args) => {
    try {
      const result = callback(...args);
      if (isThenable(result)) Promise.resolve(result).catch(report);
    } catch (reason) {
      report(reason);
    }
  };
}
