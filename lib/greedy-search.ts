// Branch and bound over a token tree, one node at a time: what leads to the highest bound is
// looked at next, until what was asked for is certain. `lib/greedy-tree.ts` calls it.

import { type Bounds, boundsOf, isSettled } from './bounds.js';
import type { TokenChoiceTree } from './token-choice-tree.js';
import type { SearchRequest, TreeRequest, TreeScores } from './tree-scoring.js';

/**
 * Visits nodes until the search is settled.
 *
 * @param scores NaN where nothing is known yet; `visit` fills in a node's children and end
 */
export async function searchByBounds(
  tree: TokenChoiceTree,
  search: SearchRequest,
  endAt: TreeRequest['endAt'],
  scores: Pick<TreeScores, 'logprobs' | 'ends'>,
  visit: (node: number) => Promise<void>,
): Promise<void> {
  for (;;) {
    // All of it again each time: little beside the vocabulary's log-probabilities that one
    // visit takes, and free of the drift of sums that are added to and taken from.
    const bounds = boundsOf(tree, scores, endAt, search);
    if (isSettled(bounds, search)) return;
    await visit(mostPromising(bounds));
  }
}

/** The frontier of the open choice with the highest bound, the first node of equals. */
function mostPromising({ standings }: Bounds): number {
  let [node, bound] = [-1, -Infinity];
  for (const { open, score, frontier } of standings) {
    if (open && (node < 0 || score > bound || (score === bound && frontier < node))) {
      [node, bound] = [frontier, score];
    }
  }
  return node;
}
