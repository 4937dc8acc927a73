// Many `choose` calls as a pipeline: tasks are taken and tokenised into groups that an engine
// may score in one go, groups are scored, and each stage is one group ahead of the next. So no
// more is taken than a few groups, however slow the reader. `lib/choose/choice-stream.ts` reads it.

import { setImmediate } from 'node:timers/promises';
import { raceAbort } from '../common/abort.js';
import { wrongType } from '../common/arguments.js';
import type { Engine } from './choose.js';
import { packs, type SettledChoice, type Slot, settle, slotOf } from './choose-group.js';
import { type ChooseOptions, readChooseOptions } from './choose-options.js';

/** Where tasks come from. */
export interface TaskSource {
  next(): Promise<IteratorResult<unknown>>;
  /** Tells it that no more is taken, unless it has ended. Never rejects. */
  close(): Promise<void>;
}

/** Checks the options of the whole call; throws TypeError or RangeError. */
export function readManyOptions(options: ChooseOptions | undefined): ChooseOptions {
  const { signal } = readChooseOptions(options);
  return { ...options, signal };
}

/** Checks that tasks can be taken from a value, which happens when the result is called. */
export function tasksOf(tasks: unknown): () => TaskSource {
  const value = tasks as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
  const isIterable = [value?.[Symbol.asyncIterator], value?.[Symbol.iterator]].some(
    (method) => typeof method === 'function',
  );
  if (typeof value !== 'object' || value === null || !isIterable) {
    throw wrongType('an iterable of tasks', 'tasks', tasks);
  }
  return () => {
    const iterator =
      value[Symbol.asyncIterator]?.() ?? (value as Iterable<unknown>)[Symbol.iterator]();
    return new IteratorSource(iterator);
  };
}

class IteratorSource implements TaskSource {
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;
  #isTaking = false;
  #isOver = false;

  constructor(iterator: Iterator<unknown> | AsyncIterator<unknown>) {
    this.#iterator = iterator;
  }

  async next(): Promise<IteratorResult<unknown>> {
    this.#isTaking = true;
    try {
      const item = await this.#iterator.next();
      this.#isOver = item.done === true;
      return item;
    } catch (error) {
      this.#isOver = true;
      throw error;
    } finally {
      this.#isTaking = false;
    }
  }

  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    // Whoever leaves early has an outcome already, and what this gives is no part of it.
    const closing = (async () => this.#iterator.return?.())().catch(() => {});
    // One that is still making its next task cannot be waited for.
    if (!this.#isTaking) await closing;
  }
}

/** What became of each task, in their order. Throws what the source throws, and aborts. */
export async function* outcomesOf(
  engine: Engine,
  source: TaskSource,
  shared: ChooseOptions,
  signal: AbortSignal,
): AsyncGenerator<SettledChoice, void, undefined> {
  const groups = ahead(groupsOf(engine, source, shared, signal));
  for await (const group of ahead(scored(engine, groups, signal))) yield* group;
}

/** The same items, the next one always under way. */
async function* ahead<T>(
  source: AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  try {
    for (let next = source.next(); ; ) {
      const item = await next;
      if (item.done) return;
      next = source.next();
      // A failure is told when it is its turn.
      next.catch(() => {});
      yield item.value;
    }
  } finally {
    await source.return();
  }
}

/** Consecutive tasks that may be scored in one go; one that is wrong is alone. */
async function* groupsOf(
  engine: Engine,
  source: TaskSource,
  shared: ChooseOptions,
  signal: AbortSignal,
): AsyncGenerator<Slot[], void, undefined> {
  let group: Slot[] = [];
  try {
    for (let index = 0; ; index++) {
      const taken = raceAbort(source.next(), signal);
      if (group.length > 0 && !(await isSoon(taken))) {
        yield group;
        group = [];
      }
      let item: IteratorResult<unknown>;
      try {
        item = await taken;
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

/** Whether there is an outcome by the event loop's next turn. Waiting longer would hold others up. */
function isSoon(promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(
    () => true,
    () => true,
  );
  return Promise.race([settled, setImmediate(false)]);
}

async function* scored(
  engine: Engine,
  groups: AsyncIterable<Slot[]>,
  signal: AbortSignal,
): AsyncGenerator<SettledChoice[], void, undefined> {
  for await (const group of groups) yield await settle(engine, group, signal);
}
