// The result of `chooseMany`: a single-consumer stream. Reading starts the work, and leaving the
// loop stops it. ChoiceLM and `lib/openai/choose/choose.ts` construct it.

import { raceAbort } from '../common/abort.js';
import { onAbort } from '../common/abort-listeners.js';
import { invalidArgument } from '../common/errors.js';
import type { Choice } from './choice.js';
import type { SettledChoice } from './choose-group.js';

/** Starts the work; the signal stops it. */
type Start<C extends Choice> = (
  signal: AbortSignal,
) => AsyncGenerator<SettledChoice<C>, void, undefined>;

/**
 * The results of many tasks, in task order. It can be consumed once: as results, by `for await`,
 * or as outcomes, by {@link settled}.
 *
 * @example
 * for await (const { index, status, ...rest } of lm.chooseMany(tasks).settled()) {
 *   if (status === 'rejected') console.error(`task ${index}`, rest.reason);
 * }
 */
export class ChoiceStream<C extends Choice = Choice> implements AsyncIterable<C> {
  readonly #signal: AbortSignal | undefined;
  readonly #start: Start<C>;
  #isRead = false;

  /** @internal */
  constructor(signal: AbortSignal | undefined, start: Start<C>) {
    this.#signal = signal;
    this.#start = start;
  }

  /**
   * The results. For a failed task `next` rejects with its error; calling it again continues
   * with the following task. A `for await` loop ends at the first error.
   *
   * @throws TypeError if the stream already has a reader
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<C> {
    return this.#read((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
  }

  /**
   * The outcome of each task, failed ones included, for callers who continue after a failure.
   * Throws only on abort, and when the iterator of the tasks throws.
   *
   * @throws TypeError if the stream already has a reader
   */
  settled(): AsyncIterableIterator<SettledChoice<C>> {
    return this.#read((outcome) => outcome);
  }

  #read<T>(convert: (outcome: SettledChoice<C>) => T): AsyncIterableIterator<T> {
    if (this.#isRead)
      throw invalidArgument('A ChoiceStream supports one reader, and already has one');
    this.#isRead = true;
    return new Reader(this.#signal, this.#start, convert);
  }
}

class Reader<C extends Choice, T> implements AsyncIterableIterator<T> {
  readonly #signal: AbortSignal | undefined;
  readonly #start: Start<C>;
  readonly #convert: (outcome: SettledChoice<C>) => T;
  readonly #controller = new AbortController();
  #removeListener = (): void => {};
  #outcomes: ReturnType<Start<C>> | undefined;
  #isDone = false;
  #pending: Promise<unknown> = Promise.resolve();

  constructor(
    signal: AbortSignal | undefined,
    start: Start<C>,
    convert: (outcome: SettledChoice<C>) => T,
  ) {
    this.#signal = signal;
    this.#start = start;
    this.#convert = convert;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Overlapping calls are serialized. */
  next(): Promise<IteratorResult<T>> {
    const result = this.#pending.then(() => this.#pull());
    this.#pending = result.catch(() => {});
    return result;
  }

  /** Stops running and pending work; resolves once it has stopped. */
  async return(): Promise<IteratorResult<T>> {
    this.#isDone = true;
    this.#controller.abort();
    await this.#end();
    return { done: true, value: undefined };
  }

  async #pull(): Promise<IteratorResult<T>> {
    let item: IteratorResult<SettledChoice<C>, void> | undefined;
    try {
      item = this.#isDone
        ? undefined
        : await raceAbort(this.#started().next(), this.#controller.signal);
    } catch (error) {
      if (!this.#isDone) {
        this.#isDone = true;
        // Aborted work stops soon; the caller need not wait for it.
        this.#end().catch(() => {});
        throw error;
      }
    }
    if (item !== undefined && !item.done) return { done: false, value: this.#convert(item.value) };
    this.#isDone = true;
    await this.#end();
    return { done: true, value: undefined };
  }

  #started(): ReturnType<Start<C>> {
    if (this.#outcomes === undefined) {
      this.#signal?.throwIfAborted();
      this.#removeListener = onAbort(this.#signal, () => {
        this.#controller.abort(this.#signal?.reason);
      });
      this.#outcomes = this.#start(this.#controller.signal);
    }
    return this.#outcomes;
  }

  async #end(): Promise<void> {
    this.#removeListener();
    await this.#outcomes?.return();
  }
}
