// Helpers of the tree scorers written in TypeScript: paths, children, and initial scores.

import { noDetails } from './node-details.js';
import type { TokenChoiceTree } from './token-choice-tree.js';
import type { TreeScores } from './tree-scoring.js';

/** The tokens from the root to a node. */
export function pathTo({ tokens, parents }: TokenChoiceTree, node: number): Int32Array {
  const path: number[] = [];
  for (let at = node; at > 0; at = parents[at] as number) path.push(tokens[at] as number);
  return Int32Array.from(path.reverse());
}

/** The children of every node. */
export function childrenOf({ parents }: TokenChoiceTree): number[][] {
  const children = Array.from(parents, (): number[] => []);
  for (const [node, parent] of parents.entries()) children[parent]?.push(node);
  return children;
}

/** Initial scores: NaN everywhere except for the root's log-probability of 0. */
export function noScores({ tokens: { length } }: TokenChoiceTree, details = false): TreeScores {
  return {
    logprobs: new Float64Array(length).fill(Number.NaN, 1),
    ends: new Float64Array(length).fill(Number.NaN),
    ...(details ? { details: noDetails(length) } : {}),
  };
}
