// The result of `choose`, built from the scores of a tree. `lib/choose/choose.ts` calls it.

import { wrongRange } from '../common/arguments.js';
import type { Cost } from '../common/usage.js';
import type { TokenChoiceTree } from '../tree/token-choice-tree.js';
import type { TreeRequest, TreeScores } from '../tree/tree-scoring.js';
import type { BoundaryReport } from './boundary.js';
import type { ChooseRequest } from './choose-options.js';
import type { Ranking } from './ranking.js';

/** One scored choice. */
export interface ScoredChoice {
  /** Its index in the caller's list. */
  index: number;
  /** Its text as passed, or the detokenized text of the tokens passed. */
  text: string;
  /** The tokens that were scored, including those of a text terminator. */
  tokens: Int32Array;
  /** log P(token | prompt and previous tokens), one per token; NaN if not evaluated. */
  logprobs: Float64Array;
  /**
   * With `details`: each token's rank in the vocabulary at its position, 1 for the most likely;
   * 0 if not evaluated.
   */
  ranks?: Int32Array;
  /** With terminator `'eog'`: log P(an end-of-generation token follows), if it was evaluated. */
  endLogprob?: number;
  /** Sum of `logprobs`, plus `endLogprob` if present; an upper bound if not `exact`. */
  logprob: number;
  /** With `prior`: the log-probability after the prior instead of the prompt; always exact. */
  priorLogprob?: number;
  /**
   * The normalized log-probability minus the prior's normalized log-probability; an upper bound
   * if not `exact`. Infinity for a choice that is impossible after the prior but not the prompt.
   */
  score: number;
  /** Softmax of the scores, duplicates counted once; with `interval`, its midpoint. */
  probability: number;
  /** 1 for the best; ties rank by index. An inexact choice ranks by its bound. */
  rank: number;
  /** Whether all of its tokens were evaluated. A search skips those that cannot matter. */
  exact: boolean;
  /** Lower and upper bound of `probability`; set on every choice if any is not `exact`. */
  interval?: [low: number, high: number];
}

/** The result of `choose`: the winner, and the scores of all choices. */
export interface Choice extends Cost {
  /** The winner's index in the caller's list. */
  index: number;
  text: string;
  logprob: number;
  score: number;
  probability: number;
  /** Every choice, in the caller's order. */
  choices: ScoredChoice[];
  /** How the tree was actually scored: completely, or by branch and bound. */
  search: 'exhaustive' | 'bound';
  /**
   * How many of the top ranks are proven: all if every choice is exact, else the number of exact
   * choices whose score is above every bound of an inexact one.
   */
  certified: number;
  /**
   * Σ exp(logprob) over distinct token paths: the probability mass of the set. Only exact
   * choices count.
   */
  mass: number;
  /** Lower and upper bound of the mass of the whole set, if any choice is not exact. */
  massInterval?: [low: number, high: number];
  /**
   * Score of the winner − score of the next distinct choice; Infinity if there is none. With
   * inexact choices, a lower bound of it: −Infinity if the winner is inexact itself.
   */
  margin: number;
  /** The token tree of all choices, with its scores. */
  tree: TokenChoiceTree;
  boundary: BoundaryReport;
}

/** The number of code points of a text, without an array of them. */
const codePoints = (text: string): number => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};

/**
 * The divisor of each choice's log-probability; throws RangeError if it would be 0.
 *
 * @param paths the scored tokens, including those of a text terminator
 */
export function lengthsOf(
  { normalize, terminator }: Pick<ChooseRequest, 'normalize' | 'terminator'>,
  texts: readonly string[],
  paths: readonly Int32Array[],
  nameOf = (index: number): string => `choices[${index}]`,
): number[] {
  const end = terminator.kind === 'eog' ? 1 : 0;
  return texts.map((text, index) => {
    if (normalize === 'none') return 1;
    if (normalize === 'tokens') return (paths[index] as Int32Array).length + end;
    const length = normalize === 'bytes' ? Buffer.byteLength(text) : codePoints(text);
    if (length > 0) return length;
    throw wrongRange(`a non-empty text, to normalize by ${normalize},`, nameOf(index), text);
  });
}

/**
 * Per path of a tree, the values of its nodes without the root. All are views of one array: for
 * thousands of choices that takes a fraction of the time of allocating an array each.
 */
function alongPaths<T extends Float64Array | Int32Array>(
  { paths, ends, parents }: TokenChoiceTree,
  values: T,
): T[] {
  const size = paths.reduce((sum, { length }) => sum + length, 0);
  const all = values instanceof Int32Array ? new Int32Array(size) : new Float64Array(size);
  let start = 0;
  return paths.map(({ length }, path) => {
    const end = start + length;
    let node = ends[path] as number;
    for (let slot = end - 1; slot >= start; slot--) {
      all[slot] = values[node] as number;
      node = parents[node] as number;
    }
    start = end;
    return all.subarray(end - length, end) as T;
  });
}

/** Combines the tree's scores with the ranking into the result. */
export function makeChoice(
  tree: TokenChoiceTree,
  scores: TreeScores,
  { search }: Pick<TreeRequest, 'search'>,
  texts: readonly string[],
  ranking: Ranking,
  priors: ArrayLike<number> | undefined,
): Omit<Choice, 'tree' | 'boundary' | 'usage' | 'timings'> {
  const logprobs = alongPaths(tree, scores.logprobs);
  const ranks = scores.details && alongPaths(tree, scores.details.ranks);
  const choices = tree.paths.map((tokens, index): ScoredChoice => {
    const end = scores.ends[tree.ends[index] as number] as number;
    return {
      index,
      text: texts[index] as string,
      tokens,
      logprobs: logprobs[index] as Float64Array,
      ...(ranks && { ranks: ranks[index] as Int32Array }),
      ...(!Number.isNaN(end) && { endLogprob: end }),
      ...(priors && { priorLogprob: priors[index] as number }),
      ...(ranking.choices[index] as (typeof ranking.choices)[number]),
    };
  });
  const { choices: _, winner, ...whole } = ranking;
  const { index, text, logprob, score, probability } = choices[winner] as ScoredChoice;
  const method = search === undefined ? 'exhaustive' : 'bound';
  return { index, text, logprob, score, probability, choices, search: method, ...whole };
}
