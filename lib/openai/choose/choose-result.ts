// The result of choosing over a server. `choose.ts` creates it, from the scores of a tree or from
// nothing but the selected choice.

import type { Choice } from '../../choose/choice.js';
import type { Prepared } from '../../choose/choose.js';
import type { Cost } from '../../common/usage.js';
import type { Strategy } from './remote-engine.js';

/** The result of `choose` over a server. */
export interface RemoteChoice extends Choice {
  /** The strategy that was used. */
  strategy: Strategy;
  /**
   * `'exact'`: all numbers are exact. `'bounded'`: some choices have only upper bounds (see `exact`
   * and `interval` of each). `'none'`: only the selected choice is known; log-probabilities,
   * scores, probabilities, mass and margin are NaN, `certified` is 0, and the rank is 1 for the
   * selected choice and its duplicates, 2 for all others.
   */
  numbers: 'exact' | 'bounded' | 'none';
}

/** Adds the strategy, and whether all numbers are exact, to a Choice. */
export function withNumbers(choice: Choice, strategy: Strategy): RemoteChoice {
  const numbers = choice.choices.every(({ exact }) => exact) ? 'exact' : 'bounded';
  return { ...choice, strategy, numbers };
}

const unknown = Number.NaN;

/**
 * A choice without numbers.
 *
 * @param winners for each choice, whether it was selected
 */
export function withoutNumbers(
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
