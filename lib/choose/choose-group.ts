// A few of many `choose` tasks: from what their caller gave, through scores that an engine may
// find for all in one go, to what became of each. `lib/choose/choose-many.ts` makes groups of them.

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

/** One `choose` of many. */
export interface ChooseTask {
  prompt: Prompt;
  /** At least one; all texts, or all token ids. */
  choices: readonly string[] | readonly Int32Array[];
  /** Each that is given replaces that of the whole call. */
  options?: Omit<ChooseOptions, 'signal'> | undefined;
}

/** What became of one task. `index` is its place among the tasks. */
export type SettledChoice<C extends Choice = Choice> =
  | { index: number; status: 'fulfilled'; value: C }
  | { index: number; status: 'rejected'; reason: unknown };

/** A task that was taken: ready to be scored, or wrong. */
export type Slot = { index: number } & ({ prepared: Prepared } | { reason: unknown });

/** Reads and tokenises one task. Throws for nothing but an abort. */
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
  const known = ['prompt', 'choices', 'options'] as const;
  const { prompt, choices, options } = checkOptions(task as ChooseTask, name, known);
  const own = checkOptions(options, `${name}.options`, choiceOptionNames);
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  const request = readChooseOptions({ ...shared, ...Object.fromEntries(given) });
  return checkQuestion(engine, prompt as Prompt, choices as readonly string[], request);
}

/** Whether these may be scored in one go. One that is wrong is alone. */
export function packs(engine: Engine, slots: readonly Slot[]): boolean {
  const prepared = slots.flatMap((slot) => ('prepared' in slot ? [slot.prepared] : []));
  return (
    prepared.length === slots.length &&
    prepared.every(({ searches, task }) => !searches && !task.request.sequential) &&
    engine.packs(prepared.map(({ task }) => task))
  );
}

/** What becomes of a group. Throws for nothing but an abort. */
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
  const score = (some: readonly Plan[]) => attempt(() => scoreAll(engine, some, signal));
  const together = await score(planned);
  const outcomes: SettledChoice[] = [];
  for (const [place, { index }] of group.entries()) {
    const each = plans[place] as Attempt<Plan>;
    const outcome = await attempt(async () => {
      if ('reason' in each) throw each.reason;
      const own = await scoresOf(each.value, planned, together, score);
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
  return new Map(plans.map((each, place) => [each, scores[place] as Scores]));
}

/** A plan's own scores; where all together failed, it is tried alone: the fault may be another's. */
async function scoresOf(
  own: Plan,
  planned: readonly Plan[],
  together: Attempt<Map<Plan, Scores>>,
  score: (some: readonly Plan[]) => Promise<Attempt<Map<Plan, Scores>>>,
): Promise<Scores> {
  const again = 'reason' in together && planned.length > 1 && !isOver(together.reason);
  const result = again ? await score([own]) : together;
  if ('reason' in result) throw result.reason;
  return result.value.get(own) as Scores;
}

const isOver = (error: unknown): boolean =>
  error instanceof LMError && (error.code === 'CLOSED' || error.code === 'ABORTED');
