// Search against exhaustive scoring, for thousands of random choice sets; and how much it saves.

import type { ChooseOptions } from 'autocog-lm';
import fc from 'fast-check';
import t from 'tap';
import { checkSearch } from '../suite/choose-search-suite.js';
import { at, sum } from '../suite/oracle.js';
import { ToyLM } from '../suite/toy-lm.js';
import { DiceLM } from '../support/dice-lm.js';

const letters = fc.string({ unit: fc.constantFrom(...'abcde'), minLength: 1, maxLength: 6 });
const goal = fc.oneof(
  fc.record({ top: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ tolerance: fc.double({ min: 0, max: 0.99, noNaN: true }) }),
  fc.record({
    top: fc.integer({ min: 1, max: 8 }),
    tolerance: fc.double({ min: 0, max: 0.99, noNaN: true }),
  }),
);
const question = fc.record({
  seed: fc.integer(),
  prompt: letters,
  choices: fc.array(letters, { minLength: 1, maxLength: 30 }),
  normalize: fc.constantFrom('none', 'none', 'tokens', 'bytes'),
  terminator: fc.constantFrom('none', 'eog', 'e'),
  prior: fc.constantFrom(undefined, undefined, '', 'ab'),
  goal,
});

t.test('a search agrees with exhaustive scoring, for random choice sets', async (t) => {
  let inexact = 0;
  const property = fc.asyncProperty(question, async ({ seed, prompt, goal, ...rest }) => {
    const lm = new DiceLM(seed);
    const { choices: texts, ...others } = rest;
    const options: ChooseOptions = { ...others, ...goal };
    // With a terminator, a choice may be empty.
    const empty = options.terminator !== 'none' && options.normalize !== 'bytes' ? [''] : [];
    const choices = [...texts, ...empty];
    const full = await lm.choose(prompt, choices, { ...options, search: 'exhaustive' });
    // Priors are cached: from here on, calls only score the tree.
    lm.calls = 0;
    const found = await lm.choose(prompt, choices, { ...options, search: 'bound' });
    checkSearch(found, full, options, 1e-12);
    const inner = found.tree.nodes().filter(({ children }) => {
      return children.some((child) => at(found.tree.nodes(), child).logprob !== undefined);
    });
    if (options.terminator !== 'eog' && lm.calls !== inner.length) throw new Error('calls');
    if (found.choices.some(({ exact }) => !exact)) inexact++;
    const distinct = new Map(
      full.choices.map(({ tokens, score, probability }) => [`${tokens} ${score}`, probability]),
    );
    const total = sum(distinct.values());
    if (Math.abs(total - 1) > 1e-9 && full.choices.some(({ score }) => score > -Infinity)) {
      throw new Error(`probabilities sum to ${total}`);
    }
  });
  await fc.assert(property, { numRuns: 5000 });
  t.ok(inexact > 500, `${inexact} of 5000 searches left a choice open`);
});

t.test('auto searches by bounds, unless one batch holds the tree', async (t) => {
  class OneBatchLM extends DiceLM {
    protected override holdsInOneBatch(): boolean {
      return true;
    }
  }
  const choices = ['aab', 'bcd', 'cde', 'dea'];
  const search = async (lm: DiceLM, options: ChooseOptions): Promise<string> =>
    (await lm.choose('a', choices, options)).search;
  t.equal(await search(new DiceLM(), { top: 1 }), 'bound');
  t.equal(await search(new DiceLM(), { tolerance: 0.1 }), 'bound');
  t.equal(await search(new DiceLM(), {}), 'exhaustive');
  t.equal(await search(new DiceLM(), { top: 4 }), 'exhaustive');
  t.equal(await search(new OneBatchLM(), { top: 1 }), 'exhaustive');
  t.equal(await search(new OneBatchLM(), { top: 1, search: 'bound' }), 'bound');
});

t.test('a search skips what cannot matter', async (t) => {
  const lm = new ToyLM();
  const words = 'sun moon star cloud river stone wind rain snow leaf bird fish'.split(' ');
  const choices = words.flatMap((first) => words.map((second) => `the ${first} and the ${second}`));
  const full = await lm.choose('One morning, ', choices);
  const found = await lm.choose('One morning, ', choices, { top: 1 });
  t.equal(found.index, full.index);
  t.ok(
    found.usage.decodeCalls * 2 < full.usage.decodeCalls,
    `${found.usage.decodeCalls} calls instead of ${full.usage.decodeCalls}`,
  );
  t.equal(found.certified, 1);
  t.ok(found.choices.filter(({ exact }) => exact).length < 20);
  const more = await lm.choose('One morning, ', choices, { top: 10 });
  t.ok(
    more.usage.decodeCalls > found.usage.decodeCalls &&
      more.usage.decodeCalls < full.usage.decodeCalls,
    `${more.usage.decodeCalls} for ten`,
  );
  t.ok(more.certified >= 10);
  const rough = await lm.choose('One morning, ', choices, { tolerance: 0.3 });
  t.ok(
    rough.usage.decodeCalls < full.usage.decodeCalls,
    `${rough.usage.decodeCalls} with a tolerance`,
  );
});

t.test('a choice far ahead is found without evaluating the others', async (t) => {
  class SureLM extends DiceLM {
    protected override async greedyImpl(tokens: Int32Array) {
      await super.greedyImpl(tokens);
      // Almost always 'a'.
      const rest = Math.log(0.01 / 5);
      return Float32Array.of(Math.log(0.99), rest, rest, rest, rest, rest);
    }
  }
  const lm = new SureLM();
  const found = await lm.choose('b', ['aaa', 'bbb', 'ccc', 'aab'], { top: 1 });
  t.equal(found.text, 'aaa');
  t.equal(lm.calls, 3, 'the root, a and aa');
  t.same(
    found.choices.map(({ exact }) => exact),
    [true, false, false, true],
  );
  const [aaa, bbb] = found.choices.map(({ interval }) => interval ?? [0, 0]) as [
    number[],
    number[],
  ];
  t.ok(at(aaa, 0) > 0.98 && at(aaa, 1) < 1);
  t.equal(at(bbb, 0), 0);
  t.ok(at(bbb, 1) < 0.003);
  t.equal(found.certified, 1, 'the second may be bbb');
  const [low = 0, high = 0] = found.massInterval ?? [];
  t.equal(low, found.mass);
  t.ok(Math.abs(high - low - 0.004) < 1e-6, 'the first letters of the two open choices');
});
