// Invariants of every Choice, whatever its options.

import type { Choice, ChoiceLM } from 'autocog-lm';
import type { Test } from 'tap';
import { at, stepsOf, sum } from './oracle.js';
import { near } from './with-lm.js';

export const logprobsOf = (choice: Choice): number[] =>
  choice.choices.map(({ logprob }) => logprob);

/** Checks every value of a Choice that follows from the log-probabilities of its choices. */
export function checkArithmetic(t: Test, choice: Choice): void {
  const scores = choice.choices.map(({ score }) => score);
  const best = scores.indexOf(Math.max(...scores));
  const winner = at(choice.choices, best);
  t.equal(choice.index, best, 'the winner has the highest score, ties by lowest index');
  t.equal(winner.rank, 1);
  for (const key of ['text', 'logprob', 'score', 'probability'] as const) {
    t.equal(choice[key], winner[key], `the winner's ${key}`);
  }
  t.same(
    choice.choices.map(({ rank }) => rank).sort((a, b) => a - b),
    scores.map((_, index) => index + 1),
    'ranks are a permutation',
  );
  for (const [index, scored] of choice.choices.entries()) {
    t.equal(scored.index, index);
    t.equal(scored.logprobs.length, scored.tokens.length);
    near(t, sum(scored.logprobs) + (scored.endLogprob ?? 0), scored.logprob, 1e-9, 'the sum');
  }
}

/** Checks every token of every choice against greedy, one call each. */
export async function checkAgainstOracle(
  t: Test,
  lm: ChoiceLM,
  choice: Choice,
  tolerance: number,
): Promise<void> {
  for (const { text, tokens, logprobs } of choice.choices) {
    const steps = await stepsOf(lm, choice.boundary.tokens, tokens);
    for (const [index, step] of steps.entries()) {
      near(t, at(logprobs, index), step, tolerance, `token ${index} of ${JSON.stringify(text)}`);
    }
  }
}
