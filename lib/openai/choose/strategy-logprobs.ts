// Strategy `'logprobs'`: a server that tells the likeliest next tokens is asked about the inner
// nodes of a tree, level by level. What is not among the likeliest has a limit, and nothing below
// it is asked about. `lib/openai/choose/choose.ts` calls it.

import { searchByBounds } from '../../choose/greedy-search.js';
import { logSumExp } from '../../common/log-softmax.js';
import { concatenate } from '../../common/token-arrays.js';
import type { Cost } from '../../common/usage.js';
import type { TreeLimits, TreeScores, TreeTask } from '../../tree/tree-scoring.js';
import { childrenOf, noScores, pathTo } from '../../tree/tree-walk.js';
import type { Answer } from '../http/api.js';
import { type RemoteStep, type RemoteToken, readLogprobs } from '../http/logprobs.js';
import type { Requests } from './choose-requests.js';
import type { ServerFeatures } from './probe.js';
import type { RemoteEngine } from './remote-engine.js';
import { costsOf } from './shared-costs.js';
import { type Finding, findTokens, namesOf, ownNamesOf, type TokenName } from './token-match.js';

type NamingEngine = Pick<RemoteEngine, 'textOf' | 'bytesOf' | 'tokenizer'>;

/** Where ids are told nothing else is needed. */
const nameless = (token: number): TokenName => ({ token, text: '', bytes: undefined });

/** How far told probabilities may be from what they sum to: servers compute in single precision. */
const slack = 1e-4;

/** The scores of trees: exact, or limits where the server does not tell enough. */
export async function scoreByLogprobs(
  engine: NamingEngine,
  features: ServerFeatures,
  tasks: readonly TreeTask[],
  requests: Requests,
): Promise<(TreeScores & Cost)[]> {
  const walks: Walk[] = [];
  for (const task of tasks) walks.push(await Walk.make(engine, features, task));
  const ask = { max_tokens: 1, temperature: 0, logprobs: features.topLogprobs };
  const visit = async (some: readonly Place[], sequential = false): Promise<void> => {
    const prompts = some.map(({ walk, node }) => walk.promptOf(node));
    const manner = { sequential, exact: true };
    const silent: number[] = [];
    const enter = (answer: Answer, { walk, node }: Place): boolean => {
      const step = stepOf(answer);
      if (step !== undefined) walk.enter(node, step);
      return step !== undefined;
    };
    await requests.complete(prompts, ask, manner, (answer, index) => {
      if (!enter(answer, some[index] as Place)) silent.push(index);
    });
    const { wholeToken, rawLogprobs } = features;
    if (silent.length === 0 || wholeToken === undefined || !rawLogprobs) return;
    // A server that would write half a character may be silent about it, and what it writes is of
    // no use here. Of what is not told even then nothing is claimed.
    const again = silent.map((index) => prompts[index] as Int32Array);
    const biased = { ...ask, logit_bias: { [wholeToken]: 100 } };
    await requests.complete(again, biased, manner, (answer, place) => {
      enter(answer, some[silent[place] as number] as Place);
    });
  };
  const level = walks.filter(({ isApart }) => !isApart).map((walk) => ({ walk, node: 0 }));
  await visitLevels(level, visit);
  for (const walk of walks.filter(({ isApart }) => isApart)) await visitApart(walk, visit);
  const costs = costsOf(tasks, requests.cost);
  return walks.map(({ scores }, task) => ({ ...scores, ...(costs[task] as Cost) }));
}

/** A node of a walk. */
interface Place {
  walk: Walk;
  node: number;
}

type Visit = (some: readonly Place[], sequential?: boolean) => Promise<void>;

async function visitLevels(first: readonly Place[], visit: Visit): Promise<void> {
  for (let level = first.filter(isAsked); level.length > 0; ) {
    await visit(level);
    level = level
      .flatMap(({ walk, node }) => walk.childrenOf(node).map((child) => ({ walk, node: child })))
      .filter(isAsked);
  }
}

/** Whether there is something to learn at a node, the way to which is known. */
const isAsked = ({ walk, node }: Place): boolean => walk.isAsked(node);

async function visitApart(walk: Walk, visit: Visit): Promise<void> {
  const { tree, request } = walk.task;
  if (request.search !== undefined) {
    await searchByBounds(tree, request.search, request.endAt, walk.scores, (node) =>
      visit([{ walk, node }]),
    );
    return;
  }
  for (let choice = 0; choice < tree.paths.length; choice++) {
    for (const node of [0, ...tree.nodesOf(choice)]) {
      if (walk.isAsked(node)) await visit([{ walk, node }], true);
    }
  }
}

function stepOf({ logprobs }: Answer): RemoteStep | undefined {
  const step = readLogprobs(logprobs)?.[0];
  return step !== undefined && step.top.length > 0 ? step : undefined;
}

/** One tree on its way to scores. */
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
      return new Walk(task, new Map(Array.from(tokens, (token) => [token, nameless(token)])));
    }
    const names = await (tokenNames === 'texts' ? ownNamesOf : namesOf)(engine, tokens);
    return new Walk(task, new Map(names.map((name) => [name.token, name])));
  }

  /** Whether it cannot go level by level, together with others. */
  get isApart(): boolean {
    const { search, sequential } = this.task.request;
    return search !== undefined || sequential;
  }

  childrenOf(node: number): readonly number[] {
    return this.#children[node] as number[];
  }

  isAsked(node: number): boolean {
    const isKnown = !Number.isNaN(this.scores.logprobs[node] as number);
    return isKnown && (this.childrenOf(node).length > 0 || this.task.request.endAt[node] === 1);
  }

  promptOf(node: number): Int32Array {
    return concatenate(this.task.prompt, pathTo(this.task.tree, node));
  }

  /** Takes down what the server says of the place after a node. */
  enter(node: number, step: RemoteStep): void {
    const { tree, request } = this.task;
    const { logprobs, ends, limits } = this.scores;
    const { most, rest } = outsideOf(step);
    limits.rests[node] = rest;
    const children = this.childrenOf(node);
    const find = (tokens: readonly number[]): Finding[] =>
      findTokens(
        tokens.map((token) => this.#names.get(token) as TokenName),
        step.top,
      );
    const found = find(children.map((child) => tree.tokens[child] as number));
    // An entry that cannot be told from another is no part of the rest, and may be a child.
    if (found.some(({ unclear }) => unclear > -Infinity)) limits.rests[node] = Number.NaN;
    for (const [index, child] of children.entries()) {
      const { logprob, unclear } = found[index] as Finding;
      if (Number.isNaN(logprob)) limits.logprobs[child] = Math.max(most, unclear);
      else logprobs[child] = logprob;
    }
    if (!request.endAt[node]) return;
    const enders = find([...request.endTokens]);
    if (enders.every(({ logprob }) => !Number.isNaN(logprob))) {
      ends[node] = Math.min(0, logSumExp(enders.map(({ logprob }) => logprob)));
      return;
    }
    const each = enders.map(({ logprob, unclear }) => {
      return Number.isNaN(logprob) ? Math.max(most, unclear) : logprob;
    });
    limits.ends[node] = Math.min(0, logSumExp(each));
  }
}

/** The most that a token which is not in a list can have, and all of these together. */
function outsideOf(step: RemoteStep): { most: number; rest: number } {
  const { top } = step;
  const told = top.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0);
  const rest = Math.min(0, Math.log(Math.max(0, 1 - told) + slack));
  // Besides the likeliest a list may have the token that was written, however unlikely.
  const last = listed(step).reduce((least, { logprob }) => Math.min(least, logprob), 0);
  return { most: Math.min(last, rest), rest };
}

/** The entries without the one that was written, unless that is the likeliest. */
function listed({ top, id, text, logprob }: RemoteStep): readonly RemoteToken[] {
  const [best] = top as [RemoteToken];
  if (!(logprob < best.logprob)) return top;
  return top.filter((entry) => (id === undefined ? entry.text !== text : entry.id !== id));
}
