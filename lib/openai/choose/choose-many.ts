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
export type Chooses = (
  prompt: Prompt,
  choices: readonly string[] | readonly Int32Array[],
  options: RemoteChooseOptions,
) => Promise<RemoteChoice>;

/** Maximum number of concurrent tasks. */
const ahead = 4;

type Outcome = SettledChoice<RemoteChoice>;

/** The outcomes in task order. Throws what the source throws, and the signal's reason. */
export async function* outcomesOf(
  choose: Chooses,
  source: TaskSource,
  shared: RemoteChooseOptions | undefined,
  signal: AbortSignal,
): AsyncGenerator<Outcome, void, undefined> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const running: Promise<Outcome>[] = [];
  let taking: Promise<Taken> | undefined;
  let end: Taken | undefined;
  try {
    for (let index = 0; ; ) {
      const [first] = running;
      if (end === undefined && running.length < ahead) taking ??= take(source, signal);
      // Yield the first outcome once it settles, even if the next task takes long to arrive.
      const taken = await (first === undefined ? taking : taking && Promise.race([taking, first]));
      signal.throwIfAborted();
      if (taken !== undefined && 'item' in taken) {
        taking = undefined;
        if (taken.item.done) end = taken;
        else running.push(settle(choose, taken.item.value, index++, shared, either));
      } else if (taken !== undefined && 'error' in taken) {
        taking = undefined;
        end = taken;
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
type Taken = { item: IteratorResult<unknown> } | { error: unknown };

function take(source: TaskSource, signal: AbortSignal): Promise<Taken> {
  return raceAbort(source.next(), signal).then(
    (item) => ({ item }),
    (error: unknown) => ({ error }),
  );
}

/** Never rejects. */
async function settle(
  choose: Chooses,
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
    const given = Object.entries(own).filter(([, value]) => value !== undefined);
    const all = { ...shared, ...Object.fromEntries(given), signal };
    const value = await choose(prompt as Prompt, choices as readonly string[], all);
    return { index, status: 'fulfilled', value };
  } catch (reason) {
    return { index, status: 'rejected', reason };
  }
}
