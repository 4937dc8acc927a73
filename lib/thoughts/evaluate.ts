// One call of `evaluate`: plan, search, result. ChoiceLM calls it.

import { Automaton } from '../automaton/automaton.js';
import { raceAbort } from '../common/abort.js';
import { onAbort } from '../common/abort-listeners.js';
import { wrongType } from '../common/arguments.js';
import { Stopwatch } from '../common/usage.js';
import {
  type EvaluateOptions,
  type EvaluateRequest,
  readEvaluateOptions,
} from './evaluate-options.js';
import { type PlanningEngine, planAutomaton } from './plan.js';
import type { PlanRun, SearchEngine, Thoughts } from './search-types.js';
import { ThoughtTree } from './thought-tree.js';

/** The operations of an LM that `evaluate` requires. */
export interface ThinkingEngine extends PlanningEngine, SearchEngine {
  /** Admits a call; throws if the LM is closed or the signal is aborted. */
  admit(signal: AbortSignal | undefined): Promise<void>;
  /** Runs a plan; when `stopped` aborts, ends with what was found so far. */
  evaluate(...run: PlanRun): Promise<Thoughts>;
}

/** Runs an automaton on an LM. */
export async function runAutomaton(
  engineFor: (signal: AbortSignal | undefined) => ThinkingEngine,
  automaton: Automaton,
  options: EvaluateOptions | undefined,
): Promise<ThoughtTree> {
  const stopwatch = new Stopwatch();
  if (!(automaton instanceof Automaton)) throw wrongType('an Automaton', 'automaton', automaton);
  const request = readEvaluateOptions(options);
  const { signal, stopOnAbort } = request;
  const engine = engineFor(signal);
  await engine.admit(signal);
  const plan = await raceAbort(planAutomaton(engine, automaton, request), signal);
  stopwatch.tokenized();
  const stop = new AbortController();
  let failure: { reason: unknown } | undefined;
  const fail = (reason: unknown): void => {
    failure ??= { reason };
    stop.abort();
  };
  const unlisten = onAbort(signal, () => stop.abort());
  try {
    const onProgress = guarded(request.onProgress, stop, fail);
    const working = engine.evaluate(plan, { ...request, onProgress }, stop.signal);
    const found = await (stopOnAbort ? working : raceAbort(working, signal));
    if (failure !== undefined) throw failure.reason;
    const { root, finished, end } = found;
    return new ThoughtTree(root, finished, end, stopwatch.complete(found));
  } finally {
    unlisten();
  }
}

/** A callback that never throws: what it throws or rejects with, or `false`, ends the search. */
function guarded(
  onProgress: EvaluateRequest['onProgress'],
  stop: AbortController,
  fail: (reason: unknown) => void,
): EvaluateRequest['onProgress'] {
  if (onProgress === undefined) return undefined;
  return (progress) => {
    try {
      const result = onProgress(progress);
      if (result instanceof Promise) result.catch(fail);
      if (result === false) stop.abort();
    } catch (reason) {
      fail(reason);
    }
  };
}
