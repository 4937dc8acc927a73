// One round of choices and scored texts: the trees of all thoughts that are at one, scored together
// where the LM can. `thought-search.ts` calls it.

import { lengthsOf } from '../choose/choice.js';
import { taskOf } from '../choose/tree-task.js';
import type { Cost } from '../common/usage.js';
import { Pace } from '../common/yield-to-event-loop.js';
import type { TreeScores, TreeTask } from '../tree/tree-scoring.js';
import { type JoinedPaths, joinPaths } from './boundary.js';
import type { Plan, PlannedPaths } from './plan.js';
import type { Expansion, Expansions, SearchEngine } from './search-types.js';
import { extend, probabilitiesOf, type Scored, scoreOf, type Thought } from './thought.js';
import type { ThoughtNode } from './thought-node.js';

/** Scores the paths of every thought. */
export async function scoreThoughts(
  engine: SearchEngine,
  plan: Plan,
  thoughts: readonly Thought[],
  signal: AbortSignal,
  cost: Cost,
): Promise<Expansions[]> {
  const joined: JoinedPaths[] = [];
  const pace = new Pace(signal);
  for (const thought of thoughts) {
    if (pace.isDue) await pace.pause();
    signal.throwIfAborted();
    joined.push(await joinPaths(engine, plan, thought.action as PlannedPaths, thought));
  }
  const fits = joined.map(({ state, paths }, index) => {
    const { ends } = (thoughts[index] as Thought).action as PlannedPaths;
    const deepest = paths.reduce((max, { length }) => Math.max(max, length), 0);
    const decoded = ends ? deepest : deepest - 1;
    return state.context.length + decoded <= (engine.contextSize ?? Infinity);
  });
  const indices = [...thoughts.keys()].filter((index) => fits[index]);
  const tasks = indices.map((index) => {
    const { state, paths } = joined[index] as JoinedPaths;
    const { ends } = (thoughts[index] as Thought).action as PlannedPaths;
    const terminator = { kind: ends ? 'eog' : 'none' } as const;
    return taskOf(engine, state.context, paths, {
      ...{ terminator, sequential: false, details: false, signal },
    });
  });
  const scores = await scoreInGroups(engine, tasks, signal, cost);
  const results: Expansions[] = thoughts.map(() => 'context');
  for (const [position, index] of indices.entries()) {
    const thought = thoughts[index] as Thought;
    const own = scores[position] as TreeScores & Cost;
    const task = tasks[position] as TreeTask;
    thought.node.decodedTokens += own.usage.decodedTokens;
    results[index] = expand(plan, thought, joined[index] as JoinedPaths, task, own);
  }
  return results;
}

/** Scores the tasks in groups, each as large as the engine scores in one batch. */
async function scoreInGroups(
  engine: SearchEngine,
  tasks: readonly TreeTask[],
  signal: AbortSignal,
  cost: Cost,
): Promise<(TreeScores & Cost)[]> {
  const results: (TreeScores & Cost)[] = [];
  const pace = new Pace(signal);
  while (results.length < tasks.length) {
    if (pace.isDue) await pace.pause();
    signal.throwIfAborted();
    const start = results.length;
    let end = start + 1;
    while (end < tasks.length && engine.packs(tasks.slice(start, end + 1))) end++;
    for (const each of await engine.scoreTrees(tasks.slice(start, end), signal)) {
      results.push(each);
      for (const name of [
        'cachedTokens',
        'decodedTokens',
        'paddingTokens',
        'decodeCalls',
      ] as const) {
        cost.usage[name] += each.usage[name];
      }
      for (const name of ['queueMs', 'promptMs', 'decodeMs', 'readMs'] as const) {
        cost.timings[name] += each.timings[name];
      }
    }
  }
  return results;
}

/** The results of one thought's action, best first. */
function expand(
  plan: Plan,
  { action }: Thought,
  { state, paths, replaced }: JoinedPaths,
  { tree }: TreeTask,
  scores: TreeScores,
): Expansion[] {
  const { id, texts, ends, normalize, width, threshold, next, forks } = action as PlannedPaths;
  const terminator = { kind: ends ? 'eog' : 'none' } as const;
  const lengths = lengthsOf({ normalize, terminator }, texts, paths);
  const found = paths.map((tokens, index) => {
    const logprobs = new Float64Array(tokens.length);
    const last = tree.ends[index] as number;
    for (let at = tokens.length - 1, each = last; at >= 0; at--) {
      logprobs[at] = scores.logprobs[each] as number;
      each = tree.parents[each] as number;
    }
    const end = ends ? (scores.ends[last] as number) : 0;
    const logprob = logprobs.reduce((sum, value) => sum + value, 0) + end;
    // A text of nothing has no length.
    const length = Math.max(1, lengths[index] as number);
    return { index, tokens, logprobs, logprob, score: logprob / length };
  });
  const keys = found.map(({ tokens }) => `${tokens}`);
  const probabilities = probabilitiesOf(
    found.map(({ score }) => score),
    keys,
  );
  found.sort((a, b) => (a.score === b.score ? 0 : a.score > b.score ? -1 : 1));
  return found.map(({ index, tokens, logprobs, logprob, score }, rank) => {
    const text = texts[index] as string;
    const scored: Scored = {
      logprob: state.scored.logprob + logprob,
      tokens: state.scored.tokens + tokens.length + (ends ? 1 : 0),
      bytes: state.scored.bytes + Buffer.byteLength(text),
    };
    const pruned =
      rank >= width
        ? ('width' as const)
        : rank > 0 && Math.exp(score) < threshold
          ? ('threshold' as const)
          : undefined;
    const node: ThoughtNode = {
      ...{ action: id, text, tokens, logprobs, logprob, score },
      probability: probabilities[index] as number,
      pathScore: scoreOf(scored, plan.metric),
      pathLogprob: scored.logprob,
      ...{ replaced, decodedTokens: 0, children: [] },
      ...(pruned && { pruned }),
    };
    const thought = pruned ? undefined : { ...extend(state, tokens, logprobs), scored };
    const follow = forks ? next : [next[index] as number];
    return { node, thought, next: follow, tokens: tokens.length + (ends ? 1 : 0) };
  });
}
