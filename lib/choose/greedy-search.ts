// Branch and bound over a token tree, one node at a time: what leads to the highest bound is
// looked at next, until what was asked for is certain. `lib/choose/greedy-tree.ts` calls it, and
// `lib/openai/choose/strategy-logprobs.ts`, where a look may tell a limit alone.

import type { TokenChoiceTree } from '../tree/token-choice-tree.js';
import type { SearchRequest, TreeRequest, TreeScores } from '../tree/tree-scoring.js';
import { type Bounds, boundsOf, isSettled } from './bounds.js';

/**
 * Visits nodes until the search is settled, or cannot be: no node is visited twice, so that what
 * its visit left open stays open.
 *
 * @param scores NaN where nothing is known yet; `visit` fills in a node's children and end, or
 * their limits
 */
export async function searchByBounds(
  tree: TokenChoiceTree,
  search: SearchRequest,
  endAt: TreeRequest['endAt'],
  scores: Pick<TreeScores, 'logprobs' | 'ends' | 'limits'>,
  visit: (node: number) => Promise<void>,
): Promise<void> {
  const visited = new Set<number>();
  for (;;) {
    // All of it again each time: little beside the vocabulary's log-probabilities that one
    // visit takes, and free of the drift of sums that are added to and taken from.
    const bounds = boundsOf(tree, scores, endAt, search);
    if (isSettled(bounds, search)) return;
    const node = mostPromising(bounds, visited);
    if (node < 0 || cannotSettle(bounds, search, visited)) return;
    visited.add(node);
    await visit(node);
  }
}

/**
 * Whether the best open bound will stay what it is: a choice can only be certain above it, and
 * none that is open can get there.
 */
function cannotSettle(
  { standings }: Bounds,
  { tolerance }: SearchRequest,
  visited: ReadonlySet<number>,
): boolean {
  if (tolerance > 0) return false;
  const open = standings.filter((standing) => standing.open);
  const most = open.reduce((most, { score }) => Math.max(most, score), -Infinity);
  return open.some(({ score, frontier }) => score === most && visited.has(frontier));
}

/**
 * The frontier of the open choice with the highest bound, the first node of equals; −1 where all
 * were visited.
 */
function mostPromising({ standings }: Bounds, visited: ReadonlySet<number>): number {
  let [node, bound] = [-1, -Infinity];
  for (const { open, score, frontier } of standings) {
    if (!open || visited.has(frontier)) continue;
    if (node < 0 || score > bound || (score === bound && frontier < node)) {
      [node, bound] = [frontier, score];
    }
  }
  return node;
}
