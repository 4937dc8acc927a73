// The portable tree scorer: needs only next-token log-probabilities. ChoiceLM and TfLM use it;
// LLaMa scores the tree natively instead, with the same results.

import { wrongRange } from '../common/arguments.js';
import { logSumExp } from '../common/log-softmax.js';
import { concatenate } from '../common/token-arrays.js';
import { type Cost, noCost } from '../common/usage.js';
import { readDetails } from '../tree/node-details.js';
import type { TokenChoiceTree } from '../tree/token-choice-tree.js';
import type { TreeRequest, TreeScores } from '../tree/tree-scoring.js';
import { childrenOf, noScores, pathTo } from '../tree/tree-walk.js';
import { searchByBounds } from './greedy-search.js';

/** Next-token log-probabilities after a sequence of tokens. */
export type Next = (tokens: Int32Array) => Promise<Float32Array>;

/**
 * Evaluates each node once if its next tokens matter; with `sequential`, once per path; with
 * `search`, only the nodes that the search visits.
 */
export async function scoreByGreedy(
  prompt: Int32Array,
  tree: TokenChoiceTree,
  request: Omit<TreeRequest, 'signal'>,
  next: Next,
): Promise<TreeScores & Cost> {
  const { endAt, endTokens, sequential, search } = request;
  const { usage, timings } = noCost();
  usage.promptTokens = prompt.length;
  const scores = noScores(tree, request.details);
  const children = childrenOf(tree);

  const visit = async (node: number): Promise<void> => {
    const tokens = concatenate(prompt, pathTo(tree, node));
    const start = performance.now();
    const distribution = await next(tokens);
    timings[usage.decodeCalls === 0 ? 'promptMs' : 'decodeMs'] += performance.now() - start;
    usage.decodeCalls++;
    usage.decodedTokens += tokens.length;
    const below = children[node] as number[];
    for (const child of below) {
      // Rounding can put a near-certain token slightly above 0, which would violate the bounds.
      scores.logprobs[child] = Math.min(0, logprobOf(distribution, tree.tokens[child] as number));
    }
    if (endAt[node]) {
      const ends = Array.from(endTokens, (token) => logprobOf(distribution, token));
      scores.ends[node] = Math.min(0, logSumExp(ends));
    }
    if (scores.details !== undefined) {
      readDetails(scores.details, node, below, tree.tokens, distribution);
    }
  };

  const matters = (node: number): boolean => endAt[node] === 1 || children[node]?.length !== 0;
  if (search !== undefined) {
    await searchByBounds(tree, search, endAt, scores, visit);
  } else if (sequential) {
    for (let choice = 0; choice < tree.paths.length; choice++) {
      const path = [0, ...tree.nodesOf(choice)];
      // The last node of a path is evaluated only for its end.
      const last = endAt[path.at(-1) as number] ? path.length : path.length - 1;
      for (const node of path.slice(0, last)) await visit(node);
    }
  } else {
    for (let node = 0; node < tree.tokens.length; node++) if (matters(node)) await visit(node);
  }
  return { ...scores, usage, timings };
}

/** Checks token ids where the vocabulary size is unknown until the first distribution. */
function logprobOf(distribution: Float32Array, token: number): number {
  const logprob = distribution[token];
  if (logprob !== undefined) return logprob;
  throw wrongRange(`token ids below ${distribution.length}`, 'choices', token);
}
