// The result of `choose`, and its making from the scores of a tree. `lib/choose/choose.ts` calls it.

import { wrongRange } from '../common/arguments.js';
import type { Cost } from '../common/usage.js';
import type { TokenChoiceTree } from '../tree/token-choice-tree.js';
import type { TreeRequest, TreeScores } from '../tree/tree-scoring.js';
import type { BoundaryReport } from './boundary.js';
import type { ChooseRequest } from './choose-options.js';
import type { Ranking } from './ranking.js';

/** One choice, scored. */
export interface ScoredChoice {
  /** Its place in the caller's list. */
  index: number;
  /** Its text, as given, or that of the given tokens. */
  text: string;
  /** The tokens that were scored: with a text as terminator, the terminator's too. */
  tokens: Int32Array;
  /** log P(token | what is before it), one per token; NaN for those that were not looked at. */
  logprobs: Float64Array;
  /** With `details`: each token's rank among all that could stand there, 1 the likeliest; 0 for those that were not looked at. */
  ranks?: Int32Array;
  /** With terminator `'eog'`: log P(an end-of-generation token follows), if it was looked at. */
  endLogprob?: number;
  /** Sum of `logprobs`, and of `endLogprob` if there is one; where not `exact` an upper bound. */
  logprob: number;
  /** With `prior`: the log-probability after the prior instead of the prompt. Always exact. */
  priorLogprob?: number;
  /**
   * The log-probability, normalised, less the prior's, normalised alike; where not `exact` an
   * upper bound. What is impossible after the prior alone has Infinity.
   */
  score: number;
  /** Softmax of the scores over the set, duplicates counted once; with `interval` its middle. */
  probability: number;
  /** 1 for the best; of equals, the lower index first. An open choice ranks by its bound. */
  rank: number;
  /** Whether all of its tokens were looked at. A search leaves open what cannot matter. */
  exact: boolean;
  /** The least and the most that `probability` can be; on every choice if any was left open. */
  interval?: [low: number, high: number];
}

/** What `choose` gives: the winner, and all that led to it. */
export interface Choice extends Cost {
  /** The winner's place in the caller's list. */
  index: number;
  text: string;
  logprob: number;
  score: number;
  probability: number;
  /** Every choice, in the caller's order. */
  choices: ScoredChoice[];
  /** How the tree was really scored: all of it, or what a search by bounds asked for. */
  search: 'exhaustive' | 'bound';
  /**
   * How many of the first ranks are proven: of all where nothing was left open, else of the
   * complete choices whose score is above every bound.
   */
  certified: number;
  /**
   * Σ exp(logprob) over distinct token paths: how much of the model's belief the set holds. Of
   * those that are complete, where some were left open.
   */
  mass: number;
  /** The least and the most that the whole set holds, if some choice was left open. */
  massInterval?: [low: number, high: number];
  /**
   * Winner's score − that of the next distinct choice; Infinity where there is none. The least
   * that it can be, where some choices were left open: −Infinity if the winner is one of them.
   */
  margin: number;
  /** The tree of all choices' tokens, with its values. */
  tree: TokenChoiceTree;
  boundary: BoundaryReport;
}

/** How many code points a text has. */
const codePoints = (text: string): number => {
  let count = 0;
  for (const _ of text) count++;
  return count;
};

/**
 * What each choice's log-probability is divided by; throws RangeError where that would be 0.
 *
 * @param paths the tokens that are scored, a text terminator's included
 */
export function lengthsOf(
  { normalize, terminator }: Pick<ChooseRequest, 'normalize' | 'terminator'>,
  texts: readonly string[],
  paths: readonly Int32Array[],
): number[] {
  const end = terminator.kind === 'eog' ? 1 : 0;
  return texts.map((text, index) => {
    if (normalize === 'none') return 1;
    if (normalize === 'tokens') return (paths[index] as Int32Array).length + end;
    const length = normalize === 'bytes' ? Buffer.byteLength(text) : codePoints(text);
    if (length > 0) return length;
    throw wrongRange(`text, to normalise by ${normalize},`, `choices[${index}]`, text);
  });
}

/**
 * Per path of a tree the values of its nodes, the root's left out: views of one array, which
 * for thousands of choices are made in a fraction of the time of arrays of their own.
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
    for (let place = end - 1; place >= start; place--) {
      all[place] = values[node] as number;
      node = parents[node] as number;
    }
    start = end;
    return all.subarray(end - length, end) as T;
  });
}

/** Puts every choice's values, which it reads off the tree, and its rank together. */
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
