// What the strategies share about trees: paths, empty scores, and dealing out what tasks that
// are scored in shared requests cost.

import type { TokenChoiceTree } from '../token-choice-tree.js';
import type { TreeScores, TreeTask } from '../tree-scoring.js';
import type { Cost } from '../usage.js';

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

/** Nothing known yet. */
export function noScores({ tokens }: TokenChoiceTree): TreeScores {
  return {
    logprobs: new Float64Array(tokens.length).fill(Number.NaN, 1),
    ends: new Float64Array(tokens.length).fill(Number.NaN),
  };
}

/** Each task's part: the first has what its requests cost, the others shared them. */
export function costsOf(tasks: readonly TreeTask[], { usage, timings }: Cost): Cost[] {
  return tasks.map(({ prompt }, index) => {
    const own = index === 0 ? usage : { ...usage, cachedTokens: 0, decodedTokens: 0 };
    return { usage: { ...own, promptTokens: prompt.length }, timings };
  });
}
