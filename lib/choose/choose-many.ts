// `chooseMany` as a pipeline: one stage pulls and tokenizes tasks into groups that the engine may
// score in one batch, the next scores groups, and each runs one group ahead of its consumer. So
// a slow reader exerts backpressure: no more than a few groups are pulled ahead of it.
// `lib/choose/choice-stream.ts` reads it.

import { setImmediate } from 'node:timers/promises';
import { raceAbort } from '../common/abort.js';
import { wrongType } from '../common/arguments.js';
import type { Engine } from './choose.js';
import { packs, type SettledChoice, type Slot, settle, slotOf } from './choose-group.js';
import { type ChooseOptions, readChooseOptions } from './choose-options.js';

/** The source of tasks. */
export interface TaskSource {
  next(): Promise<IteratorResult<unknown>>;
  /** Closes the source's iterator unless it has ended. Never rejects. */
  close(): Promise<void>;
}

/** Checks the options of the whole call; throws TypeError or RangeError. */
export function readManyOptions(options: ChooseOptions | undefined): ChooseOptions {
  const { signal } = readChooseOptions(options);
  return { ...options, signal };
}

/** Checks that a value is iterable. Iteration starts only when the returned function is called. */
export function tasksOf(tasks: unknown): () => TaskSource {
  const value = tasks as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
  const isIterable = [value?.[Symbol.asyncIterator], value?.[Symbol.iterator]].some(
    (method) => typeof method === 'function',
  );
  if (typeof value !== 'object' || value === null || !isIterable) {
    throw wrongType('an iterable of tasks', 'tasks', tasks);
  }
  return () => {
    const iterator: unknown =
      value[Symbol.asyncIterator]?.() ?? (value as Iterable<unknown>)[Symbol.iterator]();
    if (typeof iterator !== 'object' || iterator === null) {
      throw wrongType('an iterator', 'tasks', iterator);
    }
    return new IteratorSource(iterator as Iterator<unknown>);
  };
}

class IteratorSource implements TaskSource {
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;
  #isPulling = false;
  #isDone = false;

  constructor(iterator: Iterator<unknown> | AsyncIterator<unknown>) {
    this.#iterator = iterator;
  }

  async next(): Promise<IteratorResult<unknown>> {
    this.#isPulling = true;
    try {
      const { next } = this.#iterator as Partial<Iterator<unknown>>;
      if (typeof next !== 'function') throw wrongType('an iterator with next()', 'tasks', next);
      const item = await next.call(this.#iterator);
      if (typeof item !== 'object' || item === null) {
        throw wrongType('objects from next()', 'tasks', item);
      }
      this.#isDone = item.done === true;
      return item;
    } catch (error) {
      this.#isDone = true;
      throw error;
    } finally {
      this.#isPulling = false;
    }
  }

  async close(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    // A consumer that leaves early has its outcome already; errors here must not replace it.
    const closing = (async () => this.#iterator.return?.())().catch(() => {});
    // A generator queues `return` behind a pending `next`, which may never settle.
    if (!this.#isPulling) await closing;
  }
}

/** The outcome of each task, in order. Throws on abort and when the source throws. */
export async function* outcomesOf(
  engine: Engine,
  source: TaskSource,
  shared: ChooseOptions,
  signal: AbortSignal,
): AsyncGenerator<SettledChoice, void, undefined> {
  const groups = prefetch(groupsOf(engine, source, shared, signal));
  for await (const group of prefetch(settled(engine, groups, signal))) yield* group;
}

/** The same items, always computing the next one in advance. */
async function* prefetch<T>(
  source: AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  try {
    for (let next = source.next(); ; ) {
      const item = await next;
      if (item.done) return;
      next = source.next();
      // A rejection is reported when the item is awaited; until then it must not be unhandled.
      next.catch(() => {});
      yield item.value;
    }
  } finally {
    await source.return();
  }
}

/** Groups of consecutive tasks that may be scored in one batch; an invalid task is alone. */
async function* groupsOf(
  engine: Engine,
  source: TaskSource,
  shared: ChooseOptions,
  signal: AbortSignal,
): AsyncGenerator<Slot[], void, undefined> {
  let group: Slot[] = [];
  try {
    for (let index = 0; ; index++) {
      const pending = raceAbort(source.next(), signal);
      if (group.length > 0 && !(await settlesSoon(pending))) {
        yield group;
        group = [];
      }
      let item: IteratorResult<unknown>;
      try {
        item = await pending;
      } catch (error) {
        if (group.length > 0 && !signal.aborted) yield group;
        throw error;
      }
      if (item.done) break;
      const slot = await slotOf(engine, item.value, index, shared, signal);
      if (group.length > 0 && !packs(engine, [...group, slot])) {
        yield group;
        group = [];
      }
      group.push(slot);
    }
    if (group.length > 0) yield group;
  } finally {
    await source.close();
  }
}

/** Whether a promise settles by the next event loop turn. Longer waits would delay ready tasks. */
function settlesSoon(promise: Promise<unknown>): Promise<boolean> {
  const done = promise.then(
    () => true,
    () => true,
  );
  return Promise.race([done, setImmediate(false)]);
}

async function* settled(
  engine: Engine,
  groups: AsyncIterable<Slot[]>,
  signal: AbortSignal,
): AsyncGenerator<SettledChoice[], void, undefined> {
  for await (const group of groups) yield await settle(engine, group, signal);
}
