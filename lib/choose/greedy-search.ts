// Best-first branch and bound over a token tree, one node at a time: expands the node with the
// highest bound until the search goal is met. `lib/choose/greedy-tree.ts` calls it, and
// `lib/openai/choose/strategy-logprobs.ts`, where a visit may yield limits only.

import type { TokenChoiceTree } from '../tree/token-choice-tree.js';
import type { SearchRequest, TreeRequest, TreeScores } from '../tree/tree-scoring.js';
import { type Bounds, boundsOf, isSettled } from './bounds.js';

/**
 * Visits nodes until the search is settled, or cannot be settled. No node is visited twice, so
 * whatever its visit leaves unknown stays unknown.
 *
 * @param scores NaN where unknown; `visit` fills in the values of a node's children and end, or
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
    // Recomputed from scratch: cheap compared to the log-softmax over the vocabulary of one visit,
    // and free of the rounding drift of incremental sums.
    const bounds = boundsOf(tree, scores, endAt, search);
    if (isSettled(bounds, search)) return;
    const node = mostPromising(bounds, visited);
    if (node < 0 || cannotSettle(bounds, search, visited)) return;
    visited.add(node);
    await visit(node);
  }
}

/**
 * Whether the highest open bound can no longer decrease because its frontier was visited already.
 * Only choices strictly above that bound can be certified, and no open choice can get there.
 */
function cannotSettle(
  { standings }: Bounds,
  { tolerance }: SearchRequest,
  visited: ReadonlySet<number>,
): boolean {
  if (tolerance > 0) return false;
  const open = standings.filter((standing) => standing.open);
  const highest = open.reduce((max, { score }) => Math.max(max, score), -Infinity);
  return open.some(({ score, frontier }) => score === highest && visited.has(frontier));
}

/**
 * The unvisited frontier of the open choice with the highest bound, ties by lowest node index;
 * −1 if all were visited.
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
