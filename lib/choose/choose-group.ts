// One group of `chooseMany` tasks: validates and tokenizes each, scores all of them in one batch
// where the engine can, and settles each outcome. `lib/choose/choose-many.ts` forms the groups.

import { checkOptions, type Prompt, wrongType } from '../common/arguments.js';
import { LMError } from '../common/errors.js';
import type { Cost } from '../common/usage.js';
import type { TreeScores } from '../tree/tree-scoring.js';
import type { Choice } from './choice.js';
import {
  checkQuestion,
  type Engine,
  finish,
  type Plan,
  type Prepared,
  plan,
  prepare,
  type Question,
} from './choose.js';
import { type ChooseOptions, choiceOptionNames, readChooseOptions } from './choose-options.js';

/** One task of `chooseMany`. */
export interface ChooseTask {
  prompt: Prompt;
  /** Non-empty; all texts or all token ids. */
  choices: readonly string[] | readonly Int32Array[];
  /** Each option set here overrides that of the whole call. */
  options?: Omit<ChooseOptions, 'signal'> | undefined;
}

/** The outcome of one task. `index` is its position among the tasks. */
export type SettledChoice<C extends Choice = Choice> =
  | { index: number; status: 'fulfilled'; value: C }
  | { index: number; status: 'rejected'; reason: unknown };

/** A task from the source: ready to be scored, or rejected as invalid. */
export type Slot = { index: number } & ({ prepared: Prepared } | { reason: unknown });

/** Validates and tokenizes one task. Throws only on abort. */
export async function slotOf(
  engine: Engine,
  task: unknown,
  index: number,
  shared: ChooseOptions,
  signal: AbortSignal,
): Promise<Slot> {
  try {
    const question = readTask(engine, task, `tasks[${index}]`, { ...shared, signal });
    return { index, prepared: await prepare(engine, question) };
  } catch (reason) {
    signal.throwIfAborted();
    return { index, reason };
  }
}

function readTask(engine: Engine, task: unknown, name: string, shared: ChooseOptions): Question {
  if (task === undefined) throw wrongType('an object', name, task);
  const fields = ['prompt', 'choices', 'options'] as const;
  const { prompt, choices, options } = checkOptions(task as ChooseTask, name, fields);
  const own = checkOptions(options, `${name}.options`, choiceOptionNames);
  const defined = Object.entries(own).filter(([, value]) => value !== undefined);
  const request = readChooseOptions({ ...shared, ...Object.fromEntries(defined) });
  return checkQuestion(engine, prompt as Prompt, choices as readonly string[], request);
}

/** Whether these tasks may be scored in one batch. An invalid one is a group of its own. */
export function packs(engine: Engine, slots: readonly Slot[]): boolean {
  const prepared = slots.flatMap((slot) => ('prepared' in slot ? [slot.prepared] : []));
  return (
    prepared.length === slots.length &&
    prepared.every(({ searches, task }) => !searches && !task.request.sequential) &&
    engine.packs(prepared.map(({ task }) => task))
  );
}

/** The outcomes of a group. Throws only on abort. */
export async function settle(
  engine: Engine,
  group: readonly Slot[],
  signal: AbortSignal,
): Promise<SettledChoice[]> {
  const attempt = <T>(work: () => Promise<T>): Promise<Attempt<T>> =>
    work().then(
      (value) => ({ value }),
      (reason: unknown) => {
        signal.throwIfAborted();
        return { reason };
      },
    );
  const plans: Attempt<Plan>[] = [];
  for (const slot of group) {
    plans.push('reason' in slot ? slot : await attempt(() => plan(engine, slot.prepared)));
  }
  const planned = plans.flatMap((each) => ('value' in each ? [each.value] : []));
  const score = (subset: readonly Plan[]) => attempt(() => scoreAll(engine, subset, signal));
  const batch = await score(planned);
  const outcomes: SettledChoice[] = [];
  for (const [slot, { index }] of group.entries()) {
    const each = plans[slot] as Attempt<Plan>;
    const outcome = await attempt(async () => {
      if ('reason' in each) throw each.reason;
      const own = await scoresOf(each.value, planned, batch, score);
      return finish(engine, each.value, own);
    });
    if ('value' in outcome) outcomes.push({ index, status: 'fulfilled', value: outcome.value });
    else outcomes.push({ index, status: 'rejected', reason: outcome.reason });
  }
  return outcomes;
}

type Attempt<T> = { value: T } | { reason: unknown };
type Scores = TreeScores & Cost;

async function scoreAll(
  engine: Engine,
  plans: readonly Plan[],
  signal: AbortSignal,
): Promise<Map<Plan, Scores>> {
  if (plans.length === 0) return new Map();
  const tasks = plans.map(({ task }) => task);
  const scores = await engine.scoreTrees(tasks, signal);
  return new Map(plans.map((each, index) => [each, scores[index] as Scores]));
}

/** A plan's scores; if the batch failed, it is retried alone: another plan may be the cause. */
async function scoresOf(
  own: Plan,
  planned: readonly Plan[],
  batch: Attempt<Map<Plan, Scores>>,
  score: (subset: readonly Plan[]) => Promise<Attempt<Map<Plan, Scores>>>,
): Promise<Scores> {
  const retry = 'reason' in batch && planned.length > 1 && !isFinal(batch.reason);
  const result = retry ? await score([own]) : batch;
  if ('reason' in result) throw result.reason;
  return result.value.get(own) as Scores;
}

/** Whether a retry would fail in the same way. */
const isFinal = (error: unknown): boolean =>
  error instanceof LMError && (error.code === 'CLOSED' || error.code === 'ABORTED');
