// The result of `choose`, and its making from the scores of a tree. ChoiceLM calls it.

import { wrongRange } from './arguments.js';
import type { BoundaryReport } from './boundary.js';
import type { ChooseRequest } from './choose-options.js';
import { rank } from './ranking.js';
import type { TokenChoiceTree } from './token-choice-tree.js';
import type { Cost } from './usage.js';

/** One choice, scored. */
export interface ScoredChoice {
  /** Its place in the caller's list. */
  index: number;
  /** Its text, as given, or that of the given tokens. */
  text: string;
  /** The tokens that were scored: with a text as terminator, the terminator's too. */
  tokens: Int32Array;
  /** log P(token | what is before it), one per token. */
  logprobs: Float64Array;
  /** With terminator `'eog'`: log P(an end-of-generation token follows). */
  endLogprob?: number;
  /** Sum of `logprobs`, and of `endLogprob` if there is one. */
  logprob: number;
  /** The log-probability, normalised. */
  score: number;
  /** Softmax of the scores over the set, duplicates counted once. */
  probability: number;
  /** 1 for the best; of equals, the lower index first. */
  rank: number;
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
  /** Σ exp(logprob) over distinct token paths: how much of the model's belief the set holds. */
  mass: number;
  /** Winner's score − that of the next distinct choice; Infinity where there is none. */
  margin: number;
  /** The tree of all choices' tokens, with its values. */
  tree: TokenChoiceTree;
  boundary: BoundaryReport;
}

/** The scores of a tree, one entry per node. */
export interface TreeScores {
  /** log P(token | prompt and path); 0 for the root. */
  logprobs: Float64Array;
  /** log P(an end token follows); NaN where it was not asked for. */
  ends: Float64Array;
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

/** Reads every choice's values off the tree, and ranks them. */
export function makeChoice(
  tree: TokenChoiceTree,
  { logprobs, ends }: TreeScores,
  texts: readonly string[],
  lengths: readonly number[],
): Omit<Choice, 'tree' | 'boundary' | 'usage' | 'timings'> {
  const unranked = tree.paths.map((tokens, index) => {
    const steps = Float64Array.from(tree.nodesOf(index), (node) => logprobs[node] as number);
    const end = ends[tree.ends[index] as number] as number;
    const sum = steps.reduce((total, value) => total + value, 0);
    const text = texts[index] as string;
    return Number.isNaN(end)
      ? { index, text, tokens, logprobs: steps, logprob: sum }
      : { index, text, tokens, logprobs: steps, endLogprob: end, logprob: sum + end };
  });
  const ranking = rank(
    unranked.map((choice) => ({
      logprob: choice.logprob,
      length: lengths[choice.index] as number,
      path: tree.ends[choice.index] as number,
    })),
  );
  const choices = unranked.map((choice, index) => {
    return { ...choice, ...(ranking.choices[index] as (typeof ranking.choices)[number]) };
  });
  const { winner, mass, margin } = ranking;
  const { index, text, logprob, score, probability } = choices[winner] as ScoredChoice;
  return { index, text, logprob, score, probability, choices, mass, margin };
}
