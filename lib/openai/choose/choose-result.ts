// The result of choosing over a server. `lib/openai/choose/choose.ts` makes it: of the scores of a tree,
// or of nothing but the choice that a model made.

import type { Choice } from '../../choose/choice.js';
import type { Prepared } from '../../choose/choose.js';
import type { Cost } from '../../common/usage.js';
import type { Strategy } from './remote-engine.js';

/** What `choose` over a server gives. */
export interface RemoteChoice extends Choice {
  /** How it was found. */
  strategy: Strategy;
  /**
   * `'exact'`: every number is what it says. `'bounded'`: some choices have upper bounds (see
   * `exact` and `interval` of each). `'none'`: the server told the choice alone; log-probabilities,
   * scores, probabilities, mass and margin are NaN, `certified` is 0, and the ranks are 1 for the
   * choice that was made, its duplicates included, and 2 for all others.
   */
  numbers: 'exact' | 'bounded' | 'none';
}

/** A Choice with what its numbers are. */
export function numbered(choice: Choice, strategy: Strategy): RemoteChoice {
  const numbers = choice.choices.every(({ exact }) => exact) ? 'exact' : 'bounded';
  return { ...choice, strategy, numbers };
}

const unknown = Number.NaN;

/**
 * A choice without numbers.
 *
 * @param winners per choice: whether it was picked
 */
export function unnumbered(
  { texts, task, tokenized, stopwatch }: Prepared,
  winners: readonly boolean[],
  tokenTexts: ReadonlyMap<number, string>,
  cost: Cost,
  strategy: Strategy,
): RemoteChoice {
  const { tree } = task;
  const index = winners.indexOf(true);
  const whole = { logprob: unknown, score: unknown, probability: unknown };
  const values = new Float64Array(tree.tokens.length).fill(unknown);
  const choices = tree.paths.map((tokens, index) => {
    return {
      index,
      text: texts[index] as string,
      tokens,
      logprobs: new Float64Array(tokens.length).fill(unknown),
      ...whole,
      rank: winners[index] ? 1 : 2,
      exact: false,
      interval: [0, 1] as [number, number],
    };
  });
  return {
    index,
    text: texts[index] as string,
    ...whole,
    choices,
    search: 'bound',
    certified: 0,
    mass: unknown,
    massInterval: [0, 1],
    margin: unknown,
    tree: tree.withValues({ logprobs: values, ends: values, texts: tokenTexts }),
    boundary: tokenized.report,
    ...stopwatch.complete(cost),
    strategy,
    numbers: 'none',
  };
}
