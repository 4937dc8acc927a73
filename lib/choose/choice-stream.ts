// What `chooseMany` gives: the results, one reader's to take. It starts the work, and ends it
// when the reader leaves. ChoiceLM and `lib/openai/choose/choose.ts` make it.

import { raceAbort } from '../common/abort.js';
import { onAbort } from '../common/abort-listeners.js';
import { invalidArgument } from '../common/errors.js';
import type { Choice } from './choice.js';
import type { SettledChoice } from './choose-group.js';

/** Starts the work under a signal that ends it. */
type Start<C extends Choice> = (
  signal: AbortSignal,
) => AsyncGenerator<SettledChoice<C>, void, undefined>;

/**
 * The results of many tasks, in the tasks' order. It can be read once, in one of two ways.
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
   * The results themselves. For a task that failed `next` rejects with its error, and goes on
   * with the next task when it is called again; a `for await` loop ends there, as it does for
   * every error.
   *
   * @throws TypeError where the stream is read already
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<C> {
    return this.#read((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
  }

  /**
   * What became of each task, of those that failed, too, for who wants to go on after them.
   * It throws only for an abort, and for what the tasks' own iterator throws.
   *
   * @throws TypeError where the stream is read already
   */
  settled(): AsyncIterableIterator<SettledChoice<C>> {
    return this.#read((outcome) => outcome);
  }

  #read<T>(convert: (outcome: SettledChoice<C>) => T): AsyncIterableIterator<T> {
    if (this.#isRead) throw invalidArgument('A ChoiceStream has one reader, and has it already');
    this.#isRead = true;
    return new Reader(this.#signal, this.#start, convert);
  }
}

class Reader<C extends Choice, T> implements AsyncIterableIterator<T> {
  readonly #signal: AbortSignal | undefined;
  readonly #start: Start<C>;
  readonly #convert: (outcome: SettledChoice<C>) => T;
  readonly #controller = new AbortController();
  #unlisten = (): void => {};
  #outcomes: ReturnType<Start<C>> | undefined;
  #isOver = false;
  #turn: Promise<unknown> = Promise.resolve();

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

  /** Calls that overlap take turns. */
  next(): Promise<IteratorResult<T>> {
    const result = this.#turn.then(() => this.#take());
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Ends what runs and what waits; resolves when it has ended. */
  async return(): Promise<IteratorResult<T>> {
    this.#isOver = true;
    this.#controller.abort();
    await this.#end();
    return { done: true, value: undefined };
  }

  async #take(): Promise<IteratorResult<T>> {
    let item: IteratorResult<SettledChoice<C>, void> | undefined;
    try {
      item = this.#isOver
        ? undefined
        : await raceAbort(this.#begun().next(), this.#controller.signal);
    } catch (error) {
      if (!this.#isOver) {
        this.#isOver = true;
        // What is aborted ends soon, and nobody has to wait for it.
        this.#end().catch(() => {});
        throw error;
      }
    }
    if (item !== undefined && !item.done) return { done: false, value: this.#convert(item.value) };
    this.#isOver = true;
    await this.#end();
    return { done: true, value: undefined };
  }

  #begun(): ReturnType<Start<C>> {
    if (this.#outcomes === undefined) {
      this.#signal?.throwIfAborted();
      this.#unlisten = onAbort(this.#signal, () => {
        this.#controller.abort(this.#signal?.reason);
      });
      this.#outcomes = this.#start(this.#controller.signal);
    }
    return this.#outcomes;
  }

  async #end(): Promise<void> {
    this.#unlisten();
    await this.#outcomes?.return();
  }
}
