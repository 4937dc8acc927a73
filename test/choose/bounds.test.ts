// Bounds of partial scored trees: worked out by hand, and against random complete scores.

import { TokenChoiceTree } from 'autocog-lm';
import fc from 'fast-check';
import t from 'tap';
import { boundsOf, intervalOf, isSettled, scoreOf } from '../../lib/choose/bounds.js';
import { findDistinct } from '../../lib/choose/distinct-choices.js';
import { rank } from '../../lib/choose/ranking.js';
import { plus, share, sumOf } from '../../lib/choose/scaled-sum.js';
import { at, sum } from '../suite/oracle.js';

const unknown = Number.NaN;

/** Paths as strings of letters, each letter a token. */
const treeOf = (...paths: string[]): TokenChoiceTree =>
  new TokenChoiceTree(paths.map((path) => Int32Array.from(path, (letter) => letter.charCodeAt(0))));

/** Bounds and ranking for these probabilities of the tree's nodes, excluding the root. */
function evaluate(
  tree: TokenChoiceTree,
  probabilities: readonly number[],
  { lengths, offsets, ends }: { lengths?: number[]; offsets?: number[]; ends?: number[] } = {},
) {
  const logprobs = Float64Array.of(0, ...probabilities.map(Math.log));
  const distinct = findDistinct(
    tree.ends,
    lengths ?? tree.paths.map(() => 1),
    offsets ?? tree.paths.map(() => 0),
  );
  const endAt = new Uint8Array(logprobs.length);
  if (ends !== undefined) for (const node of tree.ends) endAt[node] = 1;
  const endLogprobs =
    ends === undefined ? logprobs.map(() => unknown) : Float64Array.from(ends, Math.log);
  const bounds = boundsOf(tree, { logprobs, ends: endLogprobs }, endAt, distinct);
  return { distinct, bounds, ranking: rank(distinct, bounds) };
}

const near = (found: readonly number[], expected: readonly number[]): boolean =>
  found.length === expected.length &&
  found.every(
    (value, index) => value === expected[index] || Math.abs(value - at(expected, index)) < 1e-9,
  );

t.test('sums of any magnitude keep their proportions', async (t) => {
  const far = sumOf([-5000, -5000 + Math.log(3)]);
  t.ok(near([share(-5000, far), share(-5000 + Math.log(3), far)], [0.25, 0.75]));
  t.equal(share(-5000, sumOf([-5000, 0])), 0);
  t.same(sumOf([]), { max: -Infinity, scale: 0 });
  t.equal(share(-Infinity, sumOf([-Infinity])), 0);
  t.equal(share(Infinity, sumOf([Infinity, 3, Infinity])), 0.5);
  t.equal(share(3, sumOf([Infinity, 3])), 0);
  const whole = plus(sumOf([-900, -901]), sumOf([-902], [2]));
  t.ok(near([share(-900, whole)], [1 / (1 + Math.exp(-1) + 2 * Math.exp(-2))]));
  t.same(plus(sumOf([]), sumOf([-Infinity])), { max: -Infinity, scale: 0 });
});

t.test('choices with the same tokens, length and offset are deduplicated', async (t) => {
  const choice = fc.record({
    node: fc.nat(4),
    length: fc.constantFrom(1, 2),
    offset: fc.constantFrom(0, -1, -Infinity),
  });
  const property = fc.property(fc.array(choice, { minLength: 1, maxLength: 30 }), (choices) => {
    const distinct = findDistinct(
      Int32Array.from(choices, ({ node }) => node),
      choices.map(({ length }) => length),
      choices.map(({ offset }) => offset),
    );
    const { nodes, lengths, offsets, copies, entries } = distinct;
    const names = Array.from(nodes, (node, entry) => {
      return `${node} ${lengths[entry]} ${offsets[entry]}`;
    });
    const expected = choices.map(({ node, length, offset }) => `${node} ${length} ${offset}`);
    return (
      new Set(names).size === names.length &&
      entries.length === expected.length &&
      expected.every((name, index) => names[at(entries, index)] === name) &&
      names.every(
        (name, entry) => copies[entry] === expected.filter((each) => each === name).length,
      ) &&
      nodes.every((node, entry) => entry === 0 || at(nodes, entry - 1) <= node)
    );
  });
  t.doesNotThrow(() => fc.assert(property));
});

t.test('an impossible choice scores -Infinity, whatever its prior', async (t) => {
  t.equal(scoreOf(-6, 2, -1), -2);
  t.equal(scoreOf(-6, 2, -Infinity), Infinity);
  t.equal(scoreOf(-Infinity, 2, -Infinity), -Infinity);
});

t.test('an open choice is bounded by the known part of its path', async (t) => {
  // a: 0.5, ab: 0.5 · 0.5; c: 0.2, its continuations unknown.
  const tree = treeOf('a', 'ab', 'cd', 'cde', 'cf');
  const { bounds, ranking } = evaluate(tree, [0.5, 0.5, 0.2, unknown, unknown, unknown]);
  t.same(
    bounds.standings.map(({ open }) => open),
    [false, false, true, true, true],
  );
  t.ok(
    near(
      bounds.standings.map(({ score }) => Math.exp(score)),
      [0.5, 0.25, 0.2, 0.2, 0.2],
    ),
  );
  // At most two of the three can hold at once: cd and cde.
  t.ok(near([bounds.openMass], [0.4]));
  const low = [0.5 / 1.15, 0.25 / 1.15, 0, 0, 0];
  const high = [0.5 / 0.75, 0.25 / 0.75, 0.2 / 0.95, 0.2 / 0.95, 0.2 / 0.95];
  const intervals = ranking.choices.map(({ interval }) => interval ?? [0, 0]);
  t.ok(
    near(
      intervals.map(([low = unknown]) => low),
      low,
    ),
  );
  t.ok(
    near(
      intervals.map(([, high = unknown]) => high),
      high,
    ),
  );
  t.ok(
    near(
      ranking.choices.map(({ probability }) => probability),
      low.map((low, i) => (low + at(high, i)) / 2),
    ),
  );
  t.same(
    ranking.choices.map(({ exact }) => exact),
    [true, true, false, false, false],
  );
  t.equal(ranking.certified, 2);
  t.ok(near([ranking.mass, ...(ranking.massInterval ?? [])], [0.75, 0.75, 1.15]));
  t.ok(near([ranking.margin], [Math.log(2)]));
});

t.test('with lengths or offsets each open choice is bounded individually', async (t) => {
  const tree = treeOf('a', 'bc', 'bd');
  const lengths = [1, 2, 2];
  const { bounds, ranking } = evaluate(tree, [0.5, 0.25, unknown, unknown], { lengths });
  t.ok(
    near(
      bounds.standings.map(({ score }) => Math.exp(score)),
      [0.5, 0.5, 0.5],
    ),
  );
  const [first, second] = ranking.choices.map(({ interval = [unknown, unknown] }) => interval);
  t.ok(near(first ?? [], [0.5 / 1.5, 1]));
  t.ok(near(second ?? [], [0, 0.5]));
  t.ok(near(ranking.massInterval ?? [], [0.5, 0.75]), 'the mass is not normalized');
  t.equal(ranking.certified, 0, 'an equal bound may turn out to be an equal score');
  const offsets = [0, Math.log(0.5), 0];
  const weighted = evaluate(tree, [0.5, 0.25, unknown, unknown], { offsets });
  t.ok(
    near(
      weighted.bounds.standings.map(({ score }) => Math.exp(score)),
      [0.5, 0.5, 0.25],
    ),
  );
  t.ok(near(weighted.ranking.choices[0]?.interval ?? [unknown], [0.5 / 1.25, 1]));
});

t.test('a choice with an unknown end is open', async (t) => {
  const tree = treeOf('a', 'b');
  const { bounds, ranking } = evaluate(tree, [0.5, 0.4], { ends: [unknown, 0.5, unknown] });
  t.same(
    bounds.standings.map(({ open }) => open),
    [false, true],
  );
  t.ok(
    near(
      bounds.standings.map(({ score }) => Math.exp(score)),
      [0.25, 0.4],
    ),
  );
  t.equal(ranking.winner, 1, 'an open choice ranks by its bound');
  t.same([ranking.certified, ranking.margin], [0, -Infinity], 'nothing is certain of it');
});

t.test('ties of scores and bounds go to the lower index, with no margin', async (t) => {
  const known = evaluate(treeOf('b', 'ac'), [0.5, 0.5, unknown]).ranking;
  t.same([known.winner, known.margin, known.certified], [0, 0, 0]);
  const open = evaluate(treeOf('ac', 'b'), [0.5, unknown, 0.5]).ranking;
  t.same([open.winner, open.margin, open.certified], [0, -Infinity, 0]);
});

t.test('nothing is known, or nothing is possible', async (t) => {
  const tree = treeOf('a', 'b');
  const blank = evaluate(tree, [unknown, unknown]).ranking;
  t.same(
    blank.choices.map(({ interval }) => interval),
    [
      [0, 1],
      [0, 1],
    ],
  );
  t.same([blank.mass, blank.massInterval], [0, [0, 1]]);
  const none = evaluate(treeOf('a', 'bc'), [0, 0, unknown]).ranking;
  t.same(
    none.choices.map(({ interval }) => interval),
    [
      [0, 0],
      [0, 0],
    ],
  );
  t.equal(none.certified, 0);
});

t.test('a search is settled once its goal is certain', async (t) => {
  const tree = treeOf('a', 'b', 'cd');
  const known = (...probabilities: number[]) => evaluate(tree, probabilities);
  const settled = ({ distinct, bounds }: ReturnType<typeof evaluate>, top: number, tolerance = 0) =>
    isSettled(bounds, { ...distinct, top, tolerance });
  const one = known(0.5, 0.2, 0.25, unknown);
  t.equal(settled(one, 1), true);
  t.equal(settled(one, 2), false, 'the open one may be second');
  t.equal(settled(known(0.5, 0.25, 0.25, unknown), 2), false, 'or tie with it');
  t.equal(settled(known(0.5, 0.3, 0.25, unknown), 2), true);
  t.equal(settled(one, 1, 0.01), false, '0.5/0.95 to 0.5/0.7 is wide');
  t.equal(settled(one, 1, 0.2), true);
  t.equal(settled(one, Infinity, 0.2), false, '0 to 0.25/0.95 is wider');
  t.equal(settled(one, Infinity, 0.27), true);
  t.equal(settled(one, Infinity), false, 'without a tolerance everything has to be scored');
  t.equal(settled(known(0.5, 0.2, 0.25, 0.5), Infinity), true);
  const twice = evaluate(treeOf('a', 'a', 'cd'), [0.5, 0.25, unknown]);
  t.equal(settled(twice, 2), true, 'copies count');
  t.equal(settled(twice, 3), false);
});

/** A tree with all of its probabilities, and the subset that is known. */
const partlyKnown = fc
  .record({
    paths: fc.array(
      fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 5 }),
      {
        minLength: 1,
        maxLength: 12,
      },
    ),
    weights: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 40, maxLength: 40 }),
    evaluated: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
    lengths: fc.option(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 12, maxLength: 12 })),
    offsets: fc.option(
      fc.array(fc.double({ min: -9, max: 0, noNaN: true }), { minLength: 12, maxLength: 12 }),
    ),
  })
  .map(({ paths, weights, evaluated, lengths, offsets }) => {
    const tree = treeOf(...paths);
    // The children of a node share its probability, and leave some to other tokens.
    const truth = [...tree.tokens.keys()].slice(1).map((node) => {
      const siblings = [...tree.parents.keys()].filter(
        (other) => tree.parents[other] === tree.parents[node],
      );
      const total =
        sum(siblings.map((other) => at(weights, other % 40))) +
        at(weights, 39 - (at(tree.parents, node) % 40));
      return total === 0 ? 0 : at(weights, node % 40) / total;
    });
    const isKnown = (node: number): boolean => {
      const parent = at(tree.parents, node);
      return parent < 0 || (evaluated[parent % 40] === true && isKnown(parent));
    };
    const known = truth.map((value, index) => (isKnown(index + 1) ? value : unknown));
    const options = {
      ...(lengths && { lengths: lengths.slice(0, paths.length) }),
      ...(offsets && { offsets: offsets.slice(0, paths.length) }),
    };
    return { tree, truth, known, options };
  });

t.test('the complete scores are within the bounds, whatever they are', async (t) => {
  const property = fc.property(partlyKnown, ({ tree, truth, known, options }) => {
    const partial = evaluate(tree, known, options);
    const complete = evaluate(tree, truth, options);
    const [low, high] = partial.ranking.massInterval ?? [
      partial.ranking.mass,
      partial.ranking.mass,
    ];
    const within = (value: number, low: number, high: number): boolean =>
      value >= low - 1e-12 && value <= high + 1e-12;
    return (
      within(complete.ranking.mass, low, high) &&
      partial.ranking.margin <= complete.ranking.margin + 1e-12 &&
      partial.bounds.standings.every((standing, entry) => {
        const truth = complete.bounds.standings[entry];
        const [low, high] = intervalOf(standing, partial.bounds);
        const [probability] = intervalOf(truth as typeof standing, complete.bounds);
        return (
          within(probability, low, high) &&
          (standing.open ? (truth?.score ?? 0) <= standing.score : truth?.score === standing.score)
        );
      })
    );
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }));
});
