// What a search leaves open, and what it is sure of, for any ChoiceLM: held against the same
// call without a search.

import type { Choice, ChoiceLM, ChooseOptions } from 'autocog-lm';
import fc from 'fast-check';
import type { Test } from 'tap';
import { checkArithmetic } from './choose-checks.js';
import { at } from './oracle.js';
import { has, type Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

/** Choices by rank. */
const ranked = ({ choices }: Choice) => [...choices].sort((a, b) => a.rank - b.rank);

/** All that a decode worked on, or would have but for the cache. */
const work = ({ usage }: Choice): number => usage.decodedTokens + usage.cachedTokens;

/**
 * What a search owes to the exhaustive answer. Throws where it does not pay.
 *
 * @param slack how far a score of the one may be from the same of the other
 */
export function checkSearch(
  found: Choice,
  full: Choice,
  { top = Infinity, tolerance = 0 }: ChooseOptions,
  slack: number,
): void {
  const what = (claim: string): string => `${claim}\n${JSON.stringify(found.choices)}`;
  const check = (holds: boolean, claim: string): void => {
    if (!holds) throw new Error(what(claim));
  };
  const within = (value: number, low: number, high: number): boolean =>
    value === low || value === high || (value >= low - slack && value <= high + slack);
  const open = found.choices.filter(({ exact }) => !exact);
  check(work(found) <= work(full), 'it is no dearer');
  check((found.massInterval !== undefined) === open.length > 0, 'intervals say that some are open');
  const [least, most] = found.massInterval ?? [found.mass, found.mass];
  check(least === found.mass && within(full.mass, least, most), 'the mass is in its interval');
  check(found.margin <= full.margin + 2 * slack, 'the margin is no less');
  for (const scored of found.choices) {
    const { index, exact, score, logprob, logprobs, probability } = scored;
    const truth = at(full.choices, index);
    check((scored.interval !== undefined) === open.length > 0, 'all have intervals, or none');
    const [low, high] = scored.interval ?? [probability, probability];
    check(within(truth.probability, low, high), `probability ${index} is in its interval`);
    check(Math.abs(probability - (low + high) / 2) < 1e-12, 'and reported as its middle');
    check(within(truth.score, exact ? score : -Infinity, score), `the score of ${index}`);
    check(within(truth.logprob, exact ? logprob : -Infinity, logprob), `the logprob of ${index}`);
    check(
      logprobs.every((value, place) => {
        return Number.isNaN(value)
          ? !exact
          : within(value, at(truth.logprobs, place), at(truth.logprobs, place));
      }),
      `the tokens of ${index}`,
    );
    const wide = high - low > tolerance + 1e-12;
    const concerns =
      top === Infinity ? tolerance > 0 || !exact : tolerance > 0 && scored.rank <= top;
    check(!(wide && concerns), `the interval of ${index} is no wider than was asked for`);
  }
  const sure = top === Infinity ? found.certified : Math.min(top, full.choices.length);
  check(found.certified >= sure, 'what was asked for is certified');
  const wanted = ranked(full);
  for (const [place, scored] of ranked(found).slice(0, found.certified).entries()) {
    check(scored.exact, `rank ${place + 1} is exact`);
    const truth = at(wanted, place);
    check(within(scored.score, truth.score, truth.score), `rank ${place + 1} is as it should be`);
    check(slack > 1e-6 || scored.index === truth.index, `rank ${place + 1} is the same choice`);
  }
}

export function chooseSearchSuite(t: Test, subject: Subject): void {
  const { make, prompt, choices, tolerance } = subject;
  const bound = has(subject, 'search') ? 'bound' : 'exhaustive';
  // Choices that go on after each other: some are the beginning of others, some share much.
  const texts = [
    ...choices,
    ...choices.flatMap((first) => choices.map((second) => first + second)),
    `${choices[0]}${choices[1]}${choices[2]}`,
    choices[1],
  ];
  const slackOf = async (lm: ChoiceLM): Promise<number> => {
    const longest = Math.max(
      ...(await Promise.all(texts.map((text) => lm.tokenize(text)))).map(({ length }) => length),
    );
    return Math.max(1e-9, tolerance * (longest + 1));
  };
  const compare = async (lm: ChoiceLM, some: readonly string[], options: ChooseOptions) => {
    const full = await lm.choose(prompt, some, { ...options, search: 'exhaustive' });
    const found = await lm.choose(prompt, some, { ...options, search: 'bound' });
    checkSearch(found, full, options, await slackOf(lm));
    return { found, full };
  };

  testWith(t, make, 'a search for the best finds those that there are', async (t, lm) => {
    for (const top of [1, 2, 5, texts.length, 100]) {
      const { found, full } = await compare(lm, texts, { top });
      t.equal(full.search, 'exhaustive');
      t.same([full.certified, full.massInterval], [texts.length, undefined], 'all of it is exact');
      t.equal(found.search, top < texts.length ? bound : 'exhaustive', `the best ${top}`);
      checkArithmetic(t, full);
    }
  });

  testWith(t, make, 'a tolerance bounds the intervals that a search leaves', async (t, lm) => {
    for (const tolerance of [0.5, 0.1, 0.01]) {
      await compare(lm, texts, { tolerance });
      const { found } = await compare(lm, texts, { tolerance, top: 2 });
      t.equal(found.search, bound);
    }
  });

  testWith(t, make, 'what a search left open is said to be open', async (t, lm) => {
    const { tree, choices: scored } = await lm.choose(prompt, texts, { search: 'bound', top: 1 });
    const nodes = tree.nodes();
    for (const { index, exact, logprobs, logprob } of scored) {
      const path = Array.from(tree.nodesOf(index), (node) => at(nodes, node));
      t.equal(exact, !logprobs.some(Number.isNaN));
      t.same(
        path.map(({ logprob }) => logprob ?? Number.NaN),
        [...logprobs],
      );
      const known = path.filter((node) => node.cumulative !== undefined).at(-1);
      near(t, logprob, known?.cumulative ?? 0, 1e-9, `choice ${index}`);
    }
    t.match(tree.toGraphviz(), /^digraph /);
    t.equal(JSON.parse(JSON.stringify(tree)).nodes.length, tree.size + 1);
  });

  testWith(t, make, 'without a goal, or in sequence, everything is scored', async (t, lm) => {
    const plain = await lm.choose(prompt, texts, { search: 'bound' });
    const sequence = await lm.choose(prompt, texts, { top: 1, batching: 'sequential' });
    for (const choice of [plain, sequence]) {
      t.match(choice, { search: 'exhaustive', certified: texts.length });
    }
  });

  testWith(t, make, 'whatever is searched for, it is what there is', async (t, lm) => {
    const property = fc.asyncProperty(
      fc.array(fc.array(fc.nat(choices.length - 1), { minLength: 1, maxLength: 3 }), {
        minLength: 2,
        maxLength: 12,
      }),
      fc.constantFrom('none', 'tokens', 'bytes'),
      fc.constantFrom('none', 'eog'),
      fc.constantFrom(undefined, 'A '),
      fc.constantFrom({ top: 1 }, { top: 3 }, { tolerance: 0.2 }, { top: 2, tolerance: 0.1 }),
      async (pieces, normalize, terminator, prior, goal) => {
        const some = pieces.map((list) => list.map((index) => at(choices, index)).join(''));
        await compare(lm, some, { normalize, terminator, prior, ...goal });
      },
    );
    await fc.assert(property, { numRuns: 25 });
    t.pass('25 random sets');
  });
}
