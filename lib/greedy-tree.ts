// The scores of a token tree from next-token log-probabilities alone. ChoiceLM's own way;
// LLaMa scores the tree natively instead, to the same numbers.

import type { TreeScores } from './choice.js';
import { logSumExp } from './log-softmax.js';
import type { TokenChoiceTree } from './token-choice-tree.js';
import { type Cost, noCost } from './usage.js';

/** What is asked of a tree. */
export interface TreeRequest {
  /** Per node: 1 where the end tokens are to be scored. */
  endAt: Uint8Array;
  /** The tokens that may follow there. */
  endTokens: Int32Array;
  /** One path at a time, sharing nothing. */
  sequential: boolean;
  signal: AbortSignal | undefined;
}

/** Next-token log-probabilities after a sequence of tokens. */
export type Next = (tokens: Int32Array) => Promise<Float32Array>;

/** Evaluates every node whose next tokens matter once; with `sequential`, once per path. */
export async function scoreByGreedy(
  prompt: Int32Array,
  tree: TokenChoiceTree,
  { endAt, endTokens, sequential }: Omit<TreeRequest, 'signal'>,
  next: Next,
): Promise<TreeScores & Cost> {
  const { usage, timings } = noCost();
  usage.promptTokens = prompt.length;
  const logprobs = new Float64Array(tree.tokens.length);
  const ends = new Float64Array(tree.tokens.length).fill(Number.NaN);
  const nodes = tree.nodes();

  const visit = async (index: number, path: readonly number[]): Promise<void> => {
    const start = performance.now();
    const distribution = await next(Int32Array.from([...prompt, ...path]));
    timings[usage.decodeCalls === 0 ? 'promptMs' : 'decodeMs'] += performance.now() - start;
    usage.decodeCalls++;
    usage.decodedTokens += prompt.length + path.length;
    for (const child of nodes[index]?.children ?? []) {
      logprobs[child] = distribution[tree.tokens[child] as number] as number;
    }
    if (endAt[index]) {
      ends[index] = logSumExp(Array.from(endTokens, (token) => distribution[token] as number));
    }
  };

  const matters = (index: number): boolean =>
    endAt[index] === 1 || (nodes[index]?.children.length ?? 0) > 0;
  const seen = new Set<number>();
  for (const [choice, tokens] of tree.paths.entries()) {
    const route = [0, ...tree.nodesOf(choice)];
    for (const [depth, index] of route.entries()) {
      if (!matters(index) || (seen.has(index) && !sequential)) continue;
      // In sequence, a path's own last node matters for its end alone.
      if (sequential && depth === tokens.length && !endAt[index]) continue;
      seen.add(index);
      await visit(index, [...tokens.subarray(0, depth)]);
    }
  }
  return { logprobs, ends, usage, timings };
}
