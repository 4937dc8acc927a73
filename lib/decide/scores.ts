// From the scores of trees to log-probabilities of options that exclude each other.
// `lib/decide/decide.ts` calls it; `lib/choose/bounds.ts` has the arithmetic of partly known trees.

import { boundsOf, type Standing } from '../choose/bounds.js';
import { findDistinct } from '../choose/distinct-choices.js';
import type { TreeScores, TreeTask } from '../tree/tree-scoring.js';

/** The scores of one question's options in one order. */
export interface AskScores {
  /** Per listed option: its log-probability, or an upper bound of it. */
  logprobs: Float64Array;
  /** Per listed option: 1 if its log-probability is only bounded. */
  open: Uint8Array;
}

/**
 * The options' log-probabilities. An option that others begin with gets what its token sequence has
 * beyond theirs: P(it) · (1 − Σ P(a token with which another continues it)). Its row of logits is
 * needed for these tokens anyway, so that costs nothing. With an end token nothing has to be
 * excluded: the end does.
 */
export function scoresOfAsk({ tree, request }: TreeTask, scores: TreeScores): AskScores {
  const { endAt, ends, limits } = withExclusions({ tree, request }, scores);
  const zeros = tree.paths.map(() => 0);
  const ones = tree.paths.map(() => 1);
  const { entries, ...distinct } = findDistinct(tree.ends, ones, zeros);
  const known = { logprobs: scores.logprobs, ends, ...(limits && { limits }) };
  const { standings } = boundsOf(tree, known, endAt, distinct);
  const of = (option: number): Standing => standings[entries[option] as number] as Standing;
  return {
    logprobs: Float64Array.from(entries, (_, option) => of(option).logprob),
    open: Uint8Array.from(entries, (_, option) => Number(of(option).open)),
  };
}

type Ends = Pick<TreeScores, 'ends' | 'limits'> & { endAt: Uint8Array };

function withExclusions(
  { tree, request }: Pick<TreeTask, 'tree' | 'request'>,
  { logprobs, ends, limits }: TreeScores,
): Ends {
  if (request.endTokens.length > 0)
    return { endAt: request.endAt, ends, ...(limits && { limits }) };
  const continued = new Float64Array(tree.tokens.length);
  const hasChildren = new Uint8Array(tree.tokens.length);
  for (let node = 1; node < tree.tokens.length; node++) {
    const parent = tree.parents[node] as number;
    hasChildren[parent] = 1;
    continued[parent] = (continued[parent] as number) + Math.exp(logprobs[node] as number);
  }
  const endAt = new Uint8Array(tree.tokens.length);
  const own = new Float64Array(tree.tokens.length).fill(Number.NaN);
  for (const node of tree.ends) {
    if (!hasChildren[node]) continue;
    endAt[node] = 1;
    // Unknown where a child is: NaN. Rounding can leave the sum above 1.
    const rest = 1 - (continued[node] as number);
    own[node] = rest > 0 ? Math.log(rest) : rest <= 0 ? -Infinity : Number.NaN;
  }
  if (limits === undefined) return { endAt, ends: own };
  return { endAt, ends: own, limits: { ...limits, ends: new Float64Array(own.length) } };
}
