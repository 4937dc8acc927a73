// The search over thoughts by the native engine: implements ChoiceLM's hook for LLaMa.

import { onAbort } from '../common/abort-listeners.js';
import type { Guard } from '../common/continuation.js';
import { LMError } from '../common/errors.js';
import { concatenateAll } from '../common/token-arrays.js';
import type { EvaluateRequest } from '../thoughts/evaluate-options.js';
import type { Plan, PlannedAction } from '../thoughts/plan.js';
import type { PlanRun, Thoughts } from '../thoughts/search-types.js';
import type { Pruned, ThoughtNode, ThoughtStop } from '../thoughts/thought-node.js';
import { rootOf } from '../thoughts/thought-search.js';
import type { EvaluationEnd } from '../thoughts/thought-tree.js';
import type { NativePlan, NativePlannedAction, NativeThoughts } from './binding.js';
import type { Runner } from './runner.js';
import { costFromNative } from './usage.js';

/** In the order of the engine's enumerations. */
const pruned: readonly (Pruned | undefined)[] = [undefined, 'width', 'threshold', 'abandoned'];
const stops = [undefined, 'eog', 'token', 'text', 'length', 'context'] as const;
const ends: readonly EvaluationEnd[] = [
  'exhausted',
  'best',
  'stopAfter',
  'maxThoughts',
  'maxTokens',
  'abort',
];

/** Runs a plan in one native job; when `stopped` aborts, ends with what was found so far. */
export async function searchThoughtsNatively(
  session: Runner,
  endOfGeneration: Int32Array,
  guard: Guard | undefined,
  ...[plan, request, stopped]: PlanRun
): Promise<Thoughts> {
  const { onProgress } = request;
  const report =
    onProgress &&
    ((rounds: number, open: number, finished: number, tokens: number, best: number) => {
      if (stopped.aborted) return;
      const bestScore = Number.isNaN(best) ? undefined : best;
      onProgress({ rounds, open, finished, tokens, bestScore });
    });
  let unlisten: () => void = () => {};
  const job = session.run((engine, cancellation) => {
    unlisten = onAbort(stopped, () => cancellation.cancel());
    const encoded = encodePlan(plan, request, endOfGeneration, guard);
    return engine.searchThoughts(plan.prompt, encoded, report, cancellation);
  });
  try {
    return decodeThoughts(plan, await job);
  } catch (error) {
    // Stopped before the job began.
    if (!stopped.aborted || !(error instanceof LMError) || error.code !== 'ABORTED') throw error;
    const root: ThoughtNode = { ...rootOf(plan), pruned: 'abandoned' };
    return { root, finished: new Set(), end: 'abort', ...costFromNative(new Float64Array(0)) };
  } finally {
    unlisten();
  }
}

/** The engine's value for "no limit". */
const limit = (value: number): number => (Number.isFinite(value) ? value : -1);

function encodePlan(
  plan: Plan,
  request: EvaluateRequest,
  endTokens: Int32Array,
  guard: Guard | undefined,
): NativePlan {
  return {
    metric: plan.metric,
    healed: plan.boundary === 'healed',
    guard: guard?.text ?? '',
    guardTokens: guard?.tokens ?? new Int32Array(0),
    endTokens,
    entries: Int32Array.from(plan.entries),
    maxThoughts: limit(request.maxThoughts),
    maxTokens: limit(request.maxTokens),
    stopAfter: limit(request.stopAfter),
    untilBest: request.until === 'best',
    actions: plan.actions.map(encodeAction),
  };
}

function encodeAction(action: PlannedAction): NativePlannedAction {
  const { normalize, width, threshold, next, forks } = action;
  const shared = { normalize, width, threshold, next: Int32Array.from(next), forks };
  if (action.kind === 'paths') {
    const { paths, texts, terminator, scored, ends } = action;
    const tokens = concatenateAll(paths);
    const lengths = Int32Array.from(paths, ({ length }) => length);
    const own = { tokens, lengths, texts: [...texts], terminator, scored, ends };
    return { completes: false, ...shared, ...own };
  }
  const { maxTokens, beams, ahead, repetition, diversity, stopTokens, allowed } = action;
  const none = new Uint8Array(0);
  return {
    ...{ completes: true, ...shared, maxTokens, beams, ahead, repetition, diversity },
    stops: [...action.stops],
    stopTokens: stopTokens ?? none,
    allowed: allowed ?? none,
  };
}

function decodeThoughts(plan: Plan, result: NativeThoughts): Thoughts {
  const finished = new Set<ThoughtNode>();
  const nodes: ThoughtNode[] = [];
  for (const [index, parent] of result.parents.entries()) {
    const node = parent < 0 ? rootOf(plan) : decodeNode(plan, result, index);
    const at = pruned[result.pruned[index] as number];
    if (at !== undefined) node.pruned = at;
    node.decodedTokens = result.scalars[index * scalars.length + 5] as number;
    nodes[parent]?.children.push(node);
    if (result.finished[index] === 1) finished.add(node);
    nodes.push(node);
  }
  const end = ends[result.end] as EvaluationEnd;
  const cost = costFromNative(result.usage);
  cost.usage.promptTokens = plan.prompt.length;
  return { root: nodes[0] as ThoughtNode, finished, end, ...cost };
}

const scalars = ['logprob', 'score', 'probability', 'pathScore', 'pathLogprob', 'decodedTokens'];

function decodeNode(plan: Plan, result: NativeThoughts, index: number): ThoughtNode {
  const action = plan.actions[result.actions[index] as number] as PlannedAction;
  const numbers = (position: number): number =>
    result.scalars[index * scalars.length + position] as number;
  const [begin, end] = [index === 0 ? 0 : result.tokenEnds[index - 1], result.tokenEnds[index]];
  const path = result.paths[index] as number;
  const stop = decodeStop(action, result, index);
  return {
    action: action.id,
    text: (action.kind === 'paths' ? action.texts[path] : result.texts[index]) as string,
    tokens: result.tokens.slice(begin, end),
    logprobs: result.logprobs.slice(begin, end),
    ...{ logprob: numbers(0), score: numbers(1), probability: numbers(2) },
    ...{ pathScore: numbers(3), pathLogprob: numbers(4) },
    replaced: result.replaced[index] as number,
    ...(stop && { stop }),
    ...{ decodedTokens: 0, children: [] },
  };
}

function decodeStop(
  action: PlannedAction,
  result: NativeThoughts,
  index: number,
): ThoughtStop | undefined {
  const reason = stops[result.stops[index] as number];
  if (reason === undefined || action.kind !== 'completion') return undefined;
  const begin = index === 0 ? 0 : result.stopTokenEnds[index - 1];
  const end = result.stopTokenEnds[index];
  const text = action.stops[result.stopTexts[index] as number];
  return {
    reason,
    ...(text === undefined ? {} : { text }),
    tokens: result.stopTokens.slice(begin, end),
    logprobs: result.stopLogprobs.slice(begin, end),
  };
}
