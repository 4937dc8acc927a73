// What a few top tokens reveal about a set of choices, for thousands of random sets: reported
// values are exact, all others are within their bounds.

import { TokenChoiceTree } from 'autocog-lm';
import fc from 'fast-check';
import t from 'tap';
import { boundsOf, intervalOf } from '../../lib/choose/bounds.js';
import { findDistinct } from '../../lib/choose/distinct-choices.js';
import { rank } from '../../lib/choose/ranking.js';
import { RemoteChooser } from '../../lib/openai/choose/choose.js';
import type { RemoteChoice } from '../../lib/openai/choose/choose-result.js';
import { at } from '../suite/oracle.js';
import { DiceLM } from '../support/dice-lm.js';
import { engineOf, type Naming } from './lm-api.js';

const unknown = Number.NaN;
const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-9;

/** Two letters with known values and two with upper bounds, one of which leads to two choices. */
const tree = new TokenChoiceTree(
  [[1], [2], [3], [4, 5], [4, 6]].map((path) => Int32Array.from(path)),
);
const logprobs = Float64Array.of(
  0,
  Math.log(0.5),
  Math.log(0.2),
  unknown,
  unknown,
  unknown,
  unknown,
);

function rankWith(limit: number, rest: number, lengths = [1, 1, 1, 1, 1]) {
  const none = (): Float64Array => new Float64Array(7).fill(unknown);
  const limits = { logprobs: none(), ends: none(), rests: none() };
  limits.logprobs[3] = Math.log(limit);
  limits.logprobs[4] = Math.log(limit);
  limits.rests[0] = Math.log(rest);
  const distinct = findDistinct(tree.ends, lengths, [0, 0, 0, 0, 0]);
  const bounds = boundsOf(tree, { logprobs, ends: none(), limits }, new Uint8Array(7), distinct);
  return { bounds, ranking: rank(distinct, bounds) };
}

t.test('an upper bound applies to a token and all that it leads to', async (t) => {
  const { bounds, ranking } = rankWith(0.1, 0.3);
  t.same(
    bounds.standings.map(({ open, frontier }) => [open, frontier]),
    [
      [false, 1],
      [false, 2],
      [true, 0],
      [true, 0],
      [true, 0],
    ],
  );
  t.ok(bounds.standings.slice(2).every(({ score }) => near(score, Math.log(0.1))));
  t.ok(near(bounds.openMass, 0.2), 'each of the two limits, and not each choice');
  t.equal(ranking.certified, 2);
  t.ok(near(ranking.margin, Math.log(0.5 / 0.2)));
  t.ok(near(ranking.choices[0]?.interval?.[0] ?? 0, 0.5 / 0.9));
  t.ok(near(ranking.choices[2]?.interval?.[1] ?? 0, 0.1 / 0.8));
});

t.test('the remaining probability bounds all unreported tokens together', async (t) => {
  const { bounds, ranking } = rankWith(0.2, 0.3);
  t.ok(near(bounds.openMass, 0.3));
  t.ok(near(ranking.massInterval?.[1] ?? 0, 1));
  t.equal(ranking.certified, 1, '0.2 is no more than the limit of 0.2');
});

t.test('with normalized scores each open choice is bounded separately', async (t) => {
  const { bounds } = rankWith(0.2, 0.3, [1, 1, 2, 2, 2]);
  t.ok(bounds.standings.slice(2).every(({ score }) => near(score, Math.log(0.2) / 2)));
  const [low] = intervalOf(at(bounds.standings, 0), bounds);
  t.ok(near(low, 0.5 / (0.7 + 3 * Math.sqrt(0.2))));
});

t.test('a bound of zero is exact', async (t) => {
  const { bounds, ranking } = rankWith(0, 0);
  t.equal(bounds.openMass, 0);
  t.same(ranking.choices[3]?.interval, [0, 0]);
  t.equal(ranking.certified, 2);
});

const letters = fc.string({ unit: fc.constantFrom(...'abcde'), minLength: 1, maxLength: 6 });
const question = fc.record({
  seed: fc.integer(),
  prompt: letters,
  choices: fc.array(letters, { minLength: 1, maxLength: 20 }),
  maxTop: fc.constantFrom(1, 2, 3, 4, 5, 6, 6, 6),
  naming: fc.constantFrom('ids', 'half ids', 'texts', 'half texts', 'half bytes'),
  generatesLeastLikely: fc.boolean(),
  normalize: fc.constantFrom('none', 'none', 'tokens', 'bytes'),
  terminator: fc.constantFrom('none', 'eog', 'e'),
  batching: fc.constantFrom('tree', 'tree', 'sequential'),
  goal: fc.oneof(
    fc.constant({ search: undefined }),
    fc.record({ top: fc.integer({ min: 1, max: 5 }), search: fc.constant('bound' as const) }),
    fc.record({
      tolerance: fc.double({ min: 0.01, max: 0.9, noNaN: true }),
      search: fc.constant('bound' as const),
    }),
  ),
} as const);

/** Throws unless exact values are correct and bounded ones within their bounds. */
function check(found: RemoteChoice, full: Awaited<ReturnType<DiceLM['choose']>>): void {
  const claim = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`${what}\n${JSON.stringify(found.choices)}`);
  };
  const within = (value: number, low: number, high: number): boolean =>
    value === low || value === high || (value >= low - 1e-9 && value <= high + 1e-9);
  const open = found.choices.filter(({ exact }) => !exact);
  claim((found.numbers === 'exact') === (open.length === 0), '`numbers` is correct');
  const [least, highest] = found.massInterval ?? [found.mass, found.mass];
  claim(
    within(full.mass, least, highest),
    `the mass ${full.mass} is within ${least} and ${highest}`,
  );
  claim(found.margin <= full.margin + 1e-9, 'the margin is no less');
  for (const { index, exact, logprob, score, probability, logprobs, interval } of found.choices) {
    const truth = at(full.choices, index);
    claim((interval !== undefined) === open.length > 0, 'all have intervals, or none');
    const [low, high] = interval ?? [probability, probability];
    claim(within(truth.probability, low, high), `probability ${index}: ${truth.probability}`);
    claim(within(truth.logprob, exact ? logprob : -Infinity, logprob), `logprob ${index}`);
    claim(within(truth.score, exact ? score : -Infinity, score), `score ${index}`);
    for (const [position, value] of logprobs.entries()) {
      const own = at(truth.logprobs, position);
      claim(
        Number.isNaN(value) ? !exact : within(own, value, value),
        `token ${position} of ${index}`,
      );
    }
  }
  const byRank = (choice: typeof found.choices) => [...choice].sort((a, b) => a.rank - b.rank);
  const expected = byRank(full.choices);
  for (const { index, rank } of byRank(found.choices).slice(0, found.certified)) {
    claim(at(expected, rank - 1).index === index, `rank ${rank} is certain`);
  }
}

t.test('for random sets of choices and lists of any length', async (t) => {
  const counts = { exact: 0, bounded: 0 };
  const property = fc.asyncProperty(question, async (sample) => {
    const {
      seed,
      prompt,
      choices,
      maxTop,
      naming,
      generatesLeastLikely,
      goal,
      batching,
      ...options
    } = sample;
    const lm = new DiceLM(seed);
    // The end token has no text, and two letters are indistinguishable.
    const textOf = (token: number): string =>
      naming.startsWith('half') && token > 2 ? '\ufffd' : ('abcde'[token] ?? '');
    // Bytes identify all but the end token.
    const bytesOf = (token: number) => (token < 5 ? Uint8Array.of(0xf0 + token) : undefined);
    const kind = naming.replace('half ', '') as Naming;
    const serverOptions = {
      lm,
      maxTop,
      generatesLeastLikely,
      naming: kind,
      textOf,
      ...(kind === 'bytes' && { bytesOf }),
    };
    const engine = engineOf(serverOptions, { topLogprobsLimit: maxTop });
    const more = goal.search === undefined ? { ...goal, batching } : goal;
    const chooser = new RemoteChooser(engine);
    const found = await chooser.choose(prompt, choices, { ...options, ...more });
    const full = await lm.choose(prompt, choices, { ...options, search: 'exhaustive' });
    if (found.strategy !== 'logprobs') throw new Error(found.strategy);
    check(found, full);
    if (
      maxTop === 6 &&
      naming.endsWith('ids') &&
      found.numbers !== 'exact' &&
      goal.search === undefined
    ) {
      throw new Error('All was reported');
    }
    counts[found.numbers as keyof typeof counts]++;
  });
  await fc.assert(property, { numRuns: 4000 });
  t.ok(counts.exact > 300 && counts.bounded > 300, JSON.stringify(counts));
});

t.test('a search requests fewer positions, and ends if it cannot become certain', async (t) => {
  const lm = new DiceLM(3);
  const textOf = (token: number): string => 'abcde'[token] ?? '';
  const choices = ['aab', 'bcd', 'cde', 'dea', 'ebb', 'acd', 'bee'];
  const ask = async (maxTop: number, options: object) => {
    const engine = engineOf({ lm, maxTop, naming: 'ids', textOf }, { topLogprobsLimit: maxTop });
    const chooser = new RemoteChooser(engine);
    await chooser.probe();
    const before = engine.api.prompts;
    const found = await chooser.choose('c', choices, options);
    return { found, prompts: engine.api.prompts - before };
  };
  const all = await ask(6, {});
  const best = await ask(6, { top: 1, search: 'bound' });
  t.equal(best.found.index, all.found.index);
  t.ok(best.prompts < all.prompts, `${best.prompts} of ${all.prompts}`);
  const blind = await ask(1, { top: 3, search: 'bound' });
  t.ok(blind.prompts <= 20, `${blind.prompts} prompts`);
  t.equal(blind.found.numbers, 'bounded');
});

t.test('there is one request per level, not per node', async (t) => {
  const lm = new DiceLM(5);
  const textOf = (token: number): string => 'abcde'[token] ?? '';
  const engine = engineOf({ lm, maxTop: 6, naming: 'ids', textOf });
  const chooser = new RemoteChooser(engine);
  await chooser.probe();
  const before = engine.api.bodies.length;
  const choices = ['abc', 'abd', 'bcd', 'bce', 'cab', 'cac', 'c'];
  const { usage, tree } = await chooser.choose('a', choices);
  t.equal(engine.api.bodies.length - before, 3, 'one per level of the tree');
  t.equal(usage.decodeCalls, 3);
  t.equal(tree.depth, 3);
});

t.test('a prior has to be exact', async (t) => {
  const lm = new DiceLM(5);
  const textOf = (token: number): string => 'abcde'[token] ?? '';
  const few = engineOf({ lm, maxTop: 1, naming: 'ids', textOf });
  const refused = new RemoteChooser(few).choose('a', ['ab', 'ba', 'cc'], { prior: 'b' });
  await t.rejects(refused, { code: 'NOT_SUPPORTED' });
  const all = engineOf({ lm, maxTop: 6, naming: 'ids', textOf });
  const found = await new RemoteChooser(all).choose('a', ['ab', 'ba', 'cc'], { prior: 'b' });
  const expected = await lm.choose('a', ['ab', 'ba', 'cc'], { prior: 'b' });
  t.same(
    found.choices.map(({ score, rank }) => [score, rank]),
    expected.choices.map(({ score, rank }) => [score, rank]),
  );
});
