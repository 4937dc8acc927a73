// Runs many `choose` over a server, a few concurrently, and yields the outcomes in task order.
// `choose.ts` calls it, and `lib/choose/choice-stream.ts` reads it.

import type { SettledChoice } from '../../choose/choose-group.js';
import type { TaskSource } from '../../choose/choose-many.js';
import { raceAbort } from '../../common/abort.js';
import { checkOptions, type Prompt, wrongType } from '../../common/arguments.js';
import { type RemoteChooseOptions, remoteOptionNames } from './choose-options.js';
import type { RemoteChoice } from './choose-result.js';

/** One of many `choose`. */
export interface RemoteChooseTask {
  prompt: Prompt;
  /** Non-empty; all texts, or all token ids. */
  choices: readonly string[] | readonly Int32Array[];
  /** Each given option overrides that of the whole call. */
  options?: Omit<RemoteChooseOptions, 'signal'> | undefined;
}

/** Runs one `choose`. */
export type ChooseFunction = (
  prompt: Prompt,
  choices: readonly string[] | readonly Int32Array[],
  options: RemoteChooseOptions,
) => Promise<RemoteChoice>;

/** Maximum number of concurrent tasks. */
const maxConcurrent = 4;

type Outcome = SettledChoice<RemoteChoice>;

/** The outcomes in task order. Throws what the source throws, and the signal's reason. */
export async function* outcomesOf(
  choose: ChooseFunction,
  source: TaskSource,
  shared: RemoteChooseOptions | undefined,
  signal: AbortSignal,
): AsyncGenerator<Outcome, void, undefined> {
  const stop = new AbortController();
  const combined = AbortSignal.any([signal, stop.signal]);
  const running: Promise<Outcome>[] = [];
  let pending: Promise<NextTask> | undefined;
  let end: NextTask | undefined;
  try {
    for (let index = 0; ; ) {
      const [first] = running;
      if (end === undefined && running.length < maxConcurrent) pending ??= nextTask(source, signal);
      // Yield the first outcome once it settles, even if the next task takes long to arrive.
      const next = await (first === undefined
        ? pending
        : pending && Promise.race([pending, first]));
      signal.throwIfAborted();
      if (next !== undefined && 'item' in next) {
        pending = undefined;
        if (next.item.done) end = next;
        else running.push(settle(choose, next.item.value, index++, shared, combined));
      } else if (next !== undefined && 'error' in next) {
        pending = undefined;
        end = next;
      } else if (first !== undefined) {
        running.shift();
        yield await first;
      } else if (end !== undefined && 'error' in end) throw end.error;
      else return;
      signal.throwIfAborted();
    }
  } finally {
    stop.abort();
    await Promise.all(running);
    await source.close();
  }
}

/** What the source yielded or failed with. */
type NextTask = { item: IteratorResult<unknown> } | { error: unknown };

function nextTask(source: TaskSource, signal: AbortSignal): Promise<NextTask> {
  return raceAbort(source.next(), signal).then(
    (item) => ({ item }),
    (error: unknown) => ({ error }),
  );
}

/** Never rejects. */
async function settle(
  choose: ChooseFunction,
  task: unknown,
  index: number,
  shared: RemoteChooseOptions | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const name = `tasks[${index}]`;
    if (task === undefined) throw wrongType('an object', name, task);
    const known = ['prompt', 'choices', 'options'] as const;
    const { prompt, choices, options } = checkOptions(task as RemoteChooseTask, name, known);
    const own = checkOptions(options, `${name}.options`, remoteOptionNames);
    const defined = Object.entries(own).filter(([, value]) => value !== undefined);
    const all = { ...shared, ...Object.fromEntries(defined), signal };
    const value = await choose(prompt as Prompt, choices as readonly string[], all);
    return { index, status: 'fulfilled', value };
  } catch (reason) {
    return { index, status: 'rejected', reason };
  }
}
