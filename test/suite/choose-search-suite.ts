// Option `search` of `choose`, for any ChoiceLM: what it leaves open and what it certifies, checked
// against exhaustive scoring.

import type { Choice, ChoiceLM, ChooseOptions } from 'autocog-lm';
import fc from 'fast-check';
import type { Test } from 'tap';
import { checkArithmetic } from './choose-checks.js';
import { at } from './oracle.js';
import { has, type Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

/** Choices by rank. */
const ranked = ({ choices }: Choice) => [...choices].sort((a, b) => a.rank - b.rank);

/** The tokens that were decoded, or found in the cache. */
const work = ({ usage }: Choice): number => usage.decodedTokens + usage.cachedTokens;

/**
 * Checks the result of a search against that of exhaustive scoring; throws on a violation.
 *
 * @param slack the maximum difference of equal scores
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
  check(work(found) <= work(full), 'it is no more expensive');
  check(
    (found.massInterval !== undefined) === open.length > 0,
    'there are intervals if some are open',
  );
  const [lowMass, highMass] = found.massInterval ?? [found.mass, found.mass];
  check(
    lowMass === found.mass && within(full.mass, lowMass, highMass),
    'the mass is in its interval',
  );
  check(found.margin <= full.margin + 2 * slack, 'the margin is a lower bound');
  for (const scored of found.choices) {
    const { index, exact, score, logprob, logprobs, probability } = scored;
    const truth = at(full.choices, index);
    check((scored.interval !== undefined) === open.length > 0, 'all have intervals, or none');
    const [low, high] = scored.interval ?? [probability, probability];
    check(within(truth.probability, low, high), `probability ${index} is in its interval`);
    check(Math.abs(probability - (low + high) / 2) < 1e-12, 'and reported as its midpoint');
    check(within(truth.score, exact ? score : -Infinity, score), `the score of ${index}`);
    check(within(truth.logprob, exact ? logprob : -Infinity, logprob), `the logprob of ${index}`);
    check(
      logprobs.every((value, index) => {
        return Number.isNaN(value)
          ? !exact
          : within(value, at(truth.logprobs, index), at(truth.logprobs, index));
      }),
      `the tokens of ${index}`,
    );
    const wide = high - low > tolerance + 1e-12;
    const concerns =
      top === Infinity ? tolerance > 0 || !exact : tolerance > 0 && scored.rank <= top;
    check(!(wide && concerns), `the interval of ${index} is no wider than requested`);
  }
  const required = top === Infinity ? found.certified : Math.min(top, full.choices.length);
  check(found.certified >= required, 'the requested ranks are certified');
  const expected = ranked(full);
  for (const [position, scored] of ranked(found).slice(0, found.certified).entries()) {
    check(scored.exact, `rank ${position + 1} is exact`);
    const truth = at(expected, position);
    check(
      within(scored.score, truth.score, truth.score),
      `rank ${position + 1} has the expected score`,
    );
    check(slack > 1e-6 || scored.index === truth.index, `rank ${position + 1} is the same choice`);
  }
}

export function chooseSearchSuite(t: Test, subject: Subject): void {
  const { make, prompt, choices, tolerance } = subject;
  const bound = has(subject, 'search') ? 'bound' : 'exhaustive';
  // Some choices are prefixes of others, some share long prefixes.
  const texts = [
    ...choices,
    ...choices.flatMap((first) => choices.map((second) => first + second)),
    `${choices[0]}${choices[1]}${choices[2]}`,
    choices[1],
  ];
  const slackOf = async (lm: ChoiceLM): Promise<number> => {
    const longest = Math.max(
      ...(await Promise.all(texts.map((text) => lm.tokenize(text, { continuation: true })))).map(
        ({ length }) => length,
      ),
    );
    return Math.max(1e-9, tolerance * (longest + 1));
  };
  const compare = async (lm: ChoiceLM, set: readonly string[], options: ChooseOptions) => {
    const full = await lm.choose(prompt, set, { ...options, search: 'exhaustive' });
    const found = await lm.choose(prompt, set, { ...options, search: 'bound' });
    checkSearch(found, full, options, await slackOf(lm));
    return { found, full };
  };

  testWith(t, make, 'a search for the best choices finds them', async (t, lm) => {
    for (const top of [1, 2, 5, texts.length, 100]) {
      const { found, full } = await compare(lm, texts, { top });
      t.equal(full.search, 'exhaustive');
      t.same([full.certified, full.massInterval], [texts.length, undefined], 'everything is exact');
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

  testWith(t, make, 'choices that a search left open are reported as open', async (t, lm) => {
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

  testWith(
    t,
    make,
    'without a goal, or with sequential batching, everything is scored',
    async (t, lm) => {
      const plain = await lm.choose(prompt, texts, { search: 'bound' });
      const sequence = await lm.choose(prompt, texts, { top: 1, batching: 'sequential' });
      for (const choice of [plain, sequence]) {
        t.match(choice, { search: 'exhaustive', certified: texts.length });
      }
    },
  );

  testWith(
    t,
    make,
    'a search agrees with exhaustive scoring, for random choice sets',
    async (t, lm) => {
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
          const set = pieces.map((list) => list.map((index) => at(choices, index)).join(''));
          await compare(lm, set, { normalize, terminator, prior, ...goal });
        },
      );
      await fc.assert(property, { numRuns: 25 });
      t.pass('25 random choice sets');
    },
  );
}
