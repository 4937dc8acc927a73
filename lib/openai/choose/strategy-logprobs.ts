// Strategy `'logprobs'`: requests the top next tokens after the inner nodes of a tree, level by
// level. A token that is not among them gets an upper bound, and nothing below it is requested.
// `choose.ts` calls it.

import { searchByBounds } from '../../choose/greedy-search.js';
import { logSumExp } from '../../common/log-softmax.js';
import { concatenate } from '../../common/token-arrays.js';
import type { Cost } from '../../common/usage.js';
import type { TreeLimits, TreeScores, TreeTask } from '../../tree/tree-scoring.js';
import { childrenOf, noScores, pathTo } from '../../tree/tree-walk.js';
import type { ApiResult } from '../http/api.js';
import { type RemoteStep, type RemoteToken, readLogprobs } from '../http/logprobs.js';
import type { Requests } from './choose-requests.js';
import type { ServerFeatures } from './probe.js';
import type { RemoteEngine } from './remote-engine.js';
import { costsOf } from './shared-costs.js';
import {
  findTokens,
  type LogprobMatch,
  namesOf,
  namesWithSharing,
  type TokenName,
} from './token-match.js';

type NamingEngine = Pick<RemoteEngine, 'textOf' | 'bytesOf' | 'tokenizer'>;

/** A name by id alone, which suffices if the server reports ids. */
const byIdOnly = (token: number): TokenName => ({ token, text: '', bytes: undefined });

/** Tolerance for the sum of reported probabilities: servers compute in single precision. */
const tolerance = 1e-4;

/** Scores trees: exact values, or upper bounds for tokens that the server does not report. */
export async function scoreByLogprobs(
  engine: NamingEngine,
  features: ServerFeatures,
  tasks: readonly TreeTask[],
  requests: Requests,
): Promise<(TreeScores & Cost)[]> {
  const walks: Walk[] = [];
  for (const task of tasks) walks.push(await Walk.make(engine, features, task));
  const fields = { max_tokens: 1, temperature: 0, logprobs: features.topLogprobs };
  const visit = async (nodes: readonly WalkNode[], sequential = false): Promise<void> => {
    const prompts = nodes.map(({ walk, node }) => walk.promptOf(node));
    const options = { sequential, exact: true };
    const missing: number[] = [];
    const record = (result: ApiResult, { walk, node }: WalkNode): boolean => {
      const step = stepOf(result);
      if (step !== undefined) walk.record(node, step);
      return step !== undefined;
    };
    await requests.complete(prompts, fields, options, (result, index) => {
      if (!record(result, nodes[index] as WalkNode)) missing.push(index);
    });
    const { wholeToken, rawLogprobs } = features;
    if (missing.length === 0 || wholeToken === undefined || !rawLogprobs) return;
    // Some servers omit the logprobs if the generated token ends in mid-character. The generated
    // token does not matter here, so a bias forces a whole one. What is missing even then stays
    // unbounded.
    const again = missing.map((index) => prompts[index] as Int32Array);
    const biased = { ...fields, logit_bias: { [wholeToken]: 100 } };
    await requests.complete(again, biased, options, (result, position) => {
      record(result, nodes[missing[position] as number] as WalkNode);
    });
  };
  const level = walks.filter(({ isSeparate }) => !isSeparate).map((walk) => ({ walk, node: 0 }));
  await visitLevels(level, visit);
  for (const walk of walks.filter(({ isSeparate }) => isSeparate))
    await visitSeparately(walk, visit);
  const costs = costsOf(tasks, requests.cost);
  return walks.map(({ scores }, task) => ({ ...scores, ...(costs[task] as Cost) }));
}

/** A node of a walk. */
interface WalkNode {
  walk: Walk;
  node: number;
}

type Visit = (nodes: readonly WalkNode[], sequential?: boolean) => Promise<void>;

async function visitLevels(first: readonly WalkNode[], visit: Visit): Promise<void> {
  for (let level = first.filter(needsVisit); level.length > 0; ) {
    await visit(level);
    level = level
      .flatMap(({ walk, node }) => walk.childrenOf(node).map((child) => ({ walk, node: child })))
      .filter(needsVisit);
  }
}

/** Whether the path to a node is known and something below it is not. */
const needsVisit = ({ walk, node }: WalkNode): boolean => walk.needsVisit(node);

async function visitSeparately(walk: Walk, visit: Visit): Promise<void> {
  const { tree, request } = walk.task;
  if (request.search !== undefined) {
    await searchByBounds(tree, request.search, request.endAt, walk.scores, (node) =>
      visit([{ walk, node }]),
    );
    return;
  }
  for (let choice = 0; choice < tree.paths.length; choice++) {
    for (const node of [0, ...tree.nodesOf(choice)]) {
      if (walk.needsVisit(node)) await visit([{ walk, node }], true);
    }
  }
}

function stepOf({ logprobs }: ApiResult): RemoteStep | undefined {
  const step = readLogprobs(logprobs)?.[0];
  return step !== undefined && step.top.length > 0 ? step : undefined;
}

/** The scoring of one tree in progress. */
class Walk {
  readonly task: TreeTask;
  readonly scores: TreeScores & { limits: TreeLimits };
  readonly #children: number[][];
  readonly #names: ReadonlyMap<number, TokenName>;

  private constructor(task: TreeTask, names: ReadonlyMap<number, TokenName>) {
    this.task = task;
    this.#names = names;
    this.#children = childrenOf(task.tree);
    const none = (): Float64Array => new Float64Array(task.tree.tokens.length).fill(Number.NaN);
    const limits = { logprobs: none(), ends: none(), rests: none() };
    this.scores = { ...noScores(task.tree), limits };
  }

  static async make(
    engine: NamingEngine,
    { tokenNames }: ServerFeatures,
    task: TreeTask,
  ): Promise<Walk> {
    const tokens = new Set([...task.tree.tokens.subarray(1), ...task.request.endTokens]);
    if (tokenNames === 'ids') {
      return new Walk(task, new Map(Array.from(tokens, (token) => [token, byIdOnly(token)])));
    }
    const names = await (tokenNames === 'texts' ? namesWithSharing : namesOf)(engine, tokens);
    return new Walk(task, new Map(names.map((name) => [name.token, name])));
  }

  /** Whether it cannot go level by level together with other trees. */
  get isSeparate(): boolean {
    const { search, sequential } = this.task.request;
    return search !== undefined || sequential;
  }

  childrenOf(node: number): readonly number[] {
    return this.#children[node] as number[];
  }

  needsVisit(node: number): boolean {
    const isKnown = !Number.isNaN(this.scores.logprobs[node] as number);
    return isKnown && (this.childrenOf(node).length > 0 || this.task.request.endAt[node] === 1);
  }

  promptOf(node: number): Int32Array {
    return concatenate(this.task.prompt, pathTo(this.task.tree, node));
  }

  /** Records the server's response for the position after a node. */
  record(node: number, step: RemoteStep): void {
    const { tree, request } = this.task;
    const { logprobs, ends, limits } = this.scores;
    const { max, rest } = boundsOutside(step);
    limits.rests[node] = rest;
    const children = this.childrenOf(node);
    const find = (tokens: readonly number[]): LogprobMatch[] =>
      findTokens(
        tokens.map((token) => this.#names.get(token) as TokenName),
        step.top,
      );
    const found = find(children.map((child) => tree.tokens[child] as number));
    // An ambiguous entry may be one of the children, so it must not count towards the rest.
    if (found.some(({ ambiguous }) => ambiguous > -Infinity)) limits.rests[node] = Number.NaN;
    for (const [index, child] of children.entries()) {
      const { logprob, ambiguous } = found[index] as LogprobMatch;
      if (Number.isNaN(logprob)) limits.logprobs[child] = Math.max(max, ambiguous);
      else logprobs[child] = logprob;
    }
    if (!request.endAt[node]) return;
    const enders = find([...request.endTokens]);
    if (enders.every(({ logprob }) => !Number.isNaN(logprob))) {
      ends[node] = Math.min(0, logSumExp(enders.map(({ logprob }) => logprob)));
      return;
    }
    const each = enders.map(({ logprob, ambiguous }) => {
      return Number.isNaN(logprob) ? Math.max(max, ambiguous) : logprob;
    });
    limits.ends[node] = Math.min(0, logSumExp(each));
  }
}

/**
 * Upper bounds on the log-probability of one token outside the list, and of all such tokens
 * together.
 */
function boundsOutside(step: RemoteStep): { max: number; rest: number } {
  const { top } = step;
  const reported = top.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0);
  const rest = Math.min(0, Math.log(Math.max(0, 1 - reported) + tolerance));
  // In addition to the top tokens a list may contain the generated one, however unlikely.
  const last = withoutGenerated(step).reduce((least, { logprob }) => Math.min(least, logprob), 0);
  return { max: Math.min(last, rest), rest };
}

/** The entries without the generated token, unless that is the most likely one. */
function withoutGenerated({ top, id, text, logprob }: RemoteStep): readonly RemoteToken[] {
  const [best] = top as [RemoteToken];
  if (!(logprob < best.logprob)) return top;
  return top.filter((entry) => (id === undefined ? entry.text !== text : entry.id !== id));
}
