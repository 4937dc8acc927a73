// Scores, probabilities, ranks, mass and margin, with values worked out by hand.

import { TokenChoiceTree } from 'autocog-lm';
import fc from 'fast-check';
import t from 'tap';
import { boundsOf } from '../../lib/choose/bounds.js';
import { findDistinct } from '../../lib/choose/distinct-choices.js';
import { rank as rankBounds } from '../../lib/choose/ranking.js';

const rounded = (values: number[]): number[] =>
  values.map((value) => Math.round(value * 1e6) / 1e6);

/** A choice of one token: its own, unless it shares a `path`; `logprob` is NaN if unknown. */
interface Rankable {
  logprob: number;
  length: number;
  path: number;
  offset?: number;
}

/** Ranks choices of one token each, all after one prompt. */
function rank(choices: readonly Rankable[]) {
  const tree = new TokenChoiceTree(choices.map(({ path }) => Int32Array.of(path)));
  const logprobs = new Float64Array(tree.tokens.length);
  for (const [index, { logprob }] of choices.entries()) {
    logprobs[tree.ends[index] as number] = logprob;
  }
  const lengths = choices.map(({ length }) => length);
  const distinct = findDistinct(
    tree.ends,
    lengths,
    choices.map(({ offset = 0 }) => offset),
  );
  const ends = new Float64Array(logprobs.length).fill(Number.NaN);
  const scores = { logprobs, ends };
  return rankBounds(distinct, boundsOf(tree, scores, new Uint8Array(logprobs.length), distinct));
}

/** Choices with these probabilities, each with its own path, not normalized. */
const plain = (...probabilities: number[]) =>
  probabilities.map((p, path) => ({ logprob: Math.log(p), length: 1, path }));

t.test('without normalization, probabilities are shares of the mass', async (t) => {
  const { choices, winner, mass, margin } = rank(plain(0.1, 0.4, 0.3));
  t.equal(winner, 1);
  t.same(rounded(choices.map(({ probability }) => probability)), [0.125, 0.5, 0.375]);
  t.same(
    choices.map((choice) => choice.rank),
    [3, 1, 2],
  );
  t.same(rounded([mass, margin]), [0.8, rounded([Math.log(0.4 / 0.3)])[0]]);
});

t.test('normalization divides each choice by its own length', async (t) => {
  // ln 0.01 / 4 = ln 0.316228 beats ln 0.2 / 1: the geometric mean counts.
  const { choices, winner, mass } = rank([
    { logprob: Math.log(0.2), length: 1, path: 0 },
    { logprob: Math.log(0.01), length: 4, path: 1 },
  ]);
  t.equal(winner, 1);
  t.same(rounded(choices.map(({ score }) => score)), [-1.609438, -1.151293]);
  t.same(rounded(choices.map(({ probability }) => probability)), [0.387426, 0.612574]);
  t.equal(rounded([mass])[0], 0.21, 'mass is the sum of raw probabilities');
});

t.test('ties go to the lowest index', async (t) => {
  const { choices, winner, margin } = rank(plain(0.2, 0.3, 0.3));
  t.equal(winner, 1);
  t.same(
    choices.map((choice) => choice.rank),
    [3, 1, 2],
  );
  t.equal(margin, 0);
});

t.test('duplicates count once', async (t) => {
  const [a, b] = plain(0.2, 0.6) as [ReturnType<typeof plain>[0], ReturnType<typeof plain>[0]];
  const { choices, mass, margin } = rank([a, b, b, a, b]);
  t.same(rounded(choices.map(({ probability }) => probability)), [0.25, 0.75, 0.75, 0.25, 0.75]);
  t.same(
    choices.map((choice) => choice.rank),
    [4, 1, 2, 5, 3],
  );
  t.same(rounded([mass, margin]), rounded([0.8, Math.log(3)]));
});

t.test(
  'equal tokens with different lengths count once in the mass, twice in the softmax',
  async (t) => {
    const logprob = Math.log(0.25);
    const { choices, mass } = rank([
      { logprob, length: 1, path: 7 },
      { logprob, length: 2, path: 7 },
    ]);
    t.same(rounded(choices.map(({ probability }) => probability)), [0.333333, 0.666667]);
    t.equal(rounded([mass])[0], 0.25);
  },
);

t.test('a single choice has probability 1 and an infinite margin', async (t) => {
  t.match(rank(plain(0.001)), {
    winner: 0,
    margin: Infinity,
    choices: [{ probability: 1, rank: 1 }],
  });
});

t.test('impossible choices have probability 0, even if all are impossible', async (t) => {
  const { choices, mass, margin } = rank(plain(0, 0.5));
  t.same(
    choices.map(({ probability }) => probability),
    [0, 1],
  );
  t.same([mass, margin], [0.5, Infinity]);
  const none = rank(plain(0, 0));
  t.same(
    none.choices.map(({ probability }) => probability),
    [0, 0],
  );
  t.same([none.winner, none.mass], [0, 0]);
});

t.test('scores that underflow exp still rank and sum to one', async (t) => {
  const { choices } = rank([
    { logprob: -5000, length: 1, path: 0 },
    { logprob: -5000 + Math.log(3), length: 1, path: 1 },
  ]);
  t.same(rounded(choices.map(({ probability }) => probability)), [0.25, 0.75]);
});

t.test('ranks follow scores and probabilities of distinct choices sum to one', async (t) => {
  const choice = fc.record({
    logprob: fc.double({ min: -50, max: 0, noNaN: true }),
    length: fc.integer({ min: 1, max: 9 }),
  });
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(choice, { minLength: 1, maxLength: 40 }), (list) => {
        const { choices, winner } = rank(list.map((item, path) => ({ ...item, path })));
        const order = [...choices.keys()].sort(
          (a, b) => (choices[a]?.rank ?? 0) - (choices[b]?.rank ?? 0),
        );
        const total = choices.reduce((sum, { probability }) => sum + probability, 0);
        return (
          order[0] === winner &&
          Math.abs(total - 1) < 1e-9 &&
          order.every((index, position) => {
            const before = choices[order[position - 1] ?? index]?.score ?? 0;
            return before >= (choices[index]?.score ?? 0);
          })
        );
      }),
    ),
  );
});

t.test('ranks equal those of sorting choices by score, then by index', async (t) => {
  // Few different values, so that ties and impossible choices occur.
  const logprob = fc.constantFrom(-Infinity, -4, -2.5, -1, -0.5, -0);
  const property = fc.property(fc.array(logprob, { minLength: 1, maxLength: 40 }), (logprobs) => {
    const { choices, winner } = rank(
      logprobs.map((value, path) => ({ logprob: value, length: 1, path })),
    );
    const score = (index: number): number => choices[index]?.score ?? Number.NaN;
    const order = [...logprobs.keys()].sort((a, b) => score(b) - score(a) || a - b);
    const ranks = order.map((index) => choices[index]?.rank);
    return ranks.every((each, position) => each === position + 1) && winner === order[0];
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
});
