// Properties of every option of choose, over random tries, options and sizes: native code and
// TypeScript agree, a search finds what scoring everything finds, and packing changes nothing.

import {
  type Choice,
  type ChooseOptions,
  type ChooseTask,
  LLaMa,
  type LLaMaOptions,
} from 'autocog-lm';
import fc from 'fast-check';
import type { Test } from 'tap';
import { at } from '../suite/oracle.js';
import { StepwiseLM } from '../support/stepwise-lm.js';
import type { Build } from './proofs.js';

/** What the default model knows, pieces of words, characters of several bytes, white space. */
const pieces = [' Paris', ' Lon', 'don', ' is', ' blue', ' a', 'é', '😀', ' ', '.', ' cow', 's'];
const starts = ['The capital of France is', 'The sky', 'a', 'Two and two make ', 'é😀'];

const text = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 5 });
const texts = fc.array(
  text.map((parts) => parts.join('')),
  { minLength: 1, maxLength: 16 },
);

/** Options whose values both engines must give alike. */
const policies = fc.record(
  {
    normalize: fc.constantFrom('none', 'tokens', 'bytes', 'chars'),
    boundary: fc.constantFrom('separate', 'joint', 'healed'),
    terminator: fc.constantFrom('none', 'eog', '.'),
    prior: fc.constantFrom('', 'The answer is'),
    details: fc.boolean(),
  },
  { requiredKeys: [] },
);

const sizes = fc.record({
  batchSize: fc.integer({ min: 2, max: 80 }),
  maxSequences: fc.integer({ min: 6, max: 40 }),
  promptSlots: fc.integer({ min: 1, max: 3 }),
  logitsBudget: fc.integer({ min: 1, max: 400_000 }),
});

const fit = ({ batchSize, ...rest }: LLaMaOptions & { batchSize: number }): LLaMaOptions => {
  return { ...rest, batchSize, microBatchSize: Math.max(2, batchSize >> 1), contextSize: 128 };
};

const run = { interruptAfterTimeLimit: 120_000, endOnFailure: true, markInterruptAsFailure: true };

/** Fails with what and where, since a property must throw. */
function near(found: number, expected: number, bound: number, what: string): void {
  if (found === expected || Math.abs(found - expected) <= bound) return;
  throw new Error(`${what}: ${found} is not within ${bound} of ${expected}`);
}

function checkAlike(found: Choice, expected: Choice, bound: number): void {
  for (const [index, choice] of expected.choices.entries()) {
    const other = at(found.choices, index);
    if (`${other.tokens}` !== `${choice.tokens}`) throw new Error(`tokens of ${index}`);
    const slack = bound * (choice.tokens.length + 2);
    near(other.logprob, choice.logprob, slack, `logprob of ${index}`);
    near(other.score, choice.score, 2 * slack, `score of ${index}`);
    near(other.priorLogprob ?? 0, choice.priorLogprob ?? 0, slack, `prior of ${index}`);
  }
}

/** Proof 6 for every combination of options. */
export async function proveOptions(t: Test, build: Build, numRuns: number): Promise<void> {
  const { model, options, bound } = build;
  const property = fc.asyncProperty(
    fc.constantFrom(...starts),
    texts,
    policies,
    sizes,
    async (prompt, choices, policy, size) => {
      await using odd = new LLaMa(model, { ...options, ...fit(size) });
      await using plain = new LLaMa(model, options);
      const stepwise = new StepwiseLM(plain);
      const [found, expected] = await Promise.all([
        odd.choose(prompt, choices, policy),
        stepwise.choose(prompt, choices, policy),
      ]);
      checkAlike(found, expected, bound);
      for (const [index, node] of expected.tree.nodes().entries()) {
        const other = at(found.tree.nodes(), index);
        near(other.entropy ?? -1, node.entropy ?? -1, 40 * bound, `entropy of node ${index}`);
        near(other.best?.logprob ?? 1, node.best?.logprob ?? 1, bound, `best at node ${index}`);
      }
    },
  );
  await fc.assert(property, { ...run, numRuns });
  t.pass(`${numRuns} random sets of options`);
}

const tries = fc.array(
  fc
    .array(fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 97, max: 102 }) }, fc.nat(1000)), {
      minLength: 1,
      maxLength: 6,
    })
    .map((ids) => Int32Array.from(ids)),
  { minLength: 2, maxLength: 80 },
);

const goals = fc.oneof(
  fc.record({ top: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ tolerance: fc.double({ min: 0.001, max: 0.3, noNaN: true }) }),
  fc.record({
    top: fc.integer({ min: 1, max: 3 }),
    tolerance: fc.double({ min: 0.001, max: 0.3, noNaN: true }),
  }),
);

/** Holds a search against scoring everything. `slack`: how far two scores may be apart. */
function checkSearch(found: Choice, all: Choice, goal: ChooseOptions, slack: number): void {
  const ranked = [...all.choices].sort((a, b) => a.rank - b.rank);
  const expected = Math.min(goal.top ?? 0, ranked.length);
  if (found.certified < expected) throw new Error(`only ${found.certified} ranks are certain`);
  const best = [...found.choices].sort((a, b) => a.rank - b.rank);
  for (let place = 0; place < found.certified; place++) {
    near(at(best, place).score, at(ranked, place).score, slack, `score of rank ${place + 1}`);
  }
  // The interval holds what all scores together give, up to what the scores are apart.
  const factor = Math.exp(2 * slack);
  for (const [index, { interval, exact, score }] of found.choices.entries()) {
    const truth = at(all.choices, index);
    if (exact) near(score, truth.score, slack, `score of ${index}`);
    else if (truth.score > score + slack) throw new Error(`the bound of ${index} is too low`);
    const [low, high] = interval ?? [truth.probability, truth.probability];
    if (truth.probability < low / factor || truth.probability > high * factor) {
      throw new Error(`probability of ${index}: ${truth.probability} is not in ${low} to ${high}`);
    }
    const reported = goal.top === undefined || (exact && at(found.choices, index).rank <= expected);
    if (goal.tolerance !== undefined && reported && !(high - low <= goal.tolerance * factor)) {
      throw new Error(`the interval of ${index} is ${high - low} wide`);
    }
  }
}

/** A search gives the winners, their order and intervals that hold, for no more tokens. */
export async function proveSearch(t: Test, build: Build, numRuns: number): Promise<void> {
  const { model, options, bound } = build;
  const property = fc.asyncProperty(
    fc.oneof(
      fc.constantFrom(...starts),
      fc.array(fc.nat(1000), { minLength: 1, maxLength: 20 }).map((ids) => Int32Array.from(ids)),
    ),
    tries,
    policies.filter(({ boundary, normalize, terminator }) => {
      // Token ids have no joint boundary, and may stand for no text.
      return !boundary && normalize !== 'bytes' && normalize !== 'chars' && terminator !== '.';
    }),
    goals,
    sizes,
    async (prompt, paths, policy, goal, size) => {
      await using odd = new LLaMa(model, { ...options, ...fit(size) });
      await using plain = new LLaMa(model, options);
      const [found, expected] = await Promise.all([
        odd.choose(prompt, paths, { ...policy, ...goal, search: 'bound' }),
        plain.choose(prompt, paths, policy),
      ]);
      checkSearch(found, expected, goal, bound * 10);
    },
  );
  await fc.assert(property, { ...run, numRuns });
  t.pass(`${numRuns} random searches`);

  // Random choices are all unlikely; where the model knows the answer, a search is quick.
  await using lm = new LLaMa(model, options);
  const cities = [' Paris', ' London', ' Rome', ' Berlin', ' Madrid', ' Oslo'];
  const long = cities.flatMap((city) => [city, `${city} is a city of the north and the south.`]);
  const found = await lm.choose(starts[0] as string, long, { search: 'bound', top: 1 });
  await lm.clear();
  const all = await lm.choose(starts[0] as string, long);
  const [some, every] = [found.usage.decodedTokens, all.usage.decodedTokens];
  t.equal(found.text, all.text);
  t.ok(2 * some < every, `${some} tokens were decoded instead of ${every}`);
}

/** Many tasks in shared batches give what each gives alone. */
export async function proveMany(t: Test, build: Build, numRuns: number): Promise<void> {
  const { model, options, bound } = build;
  const task = fc.record({ prompt: fc.constantFrom(...starts, 'The capital of'), choices: texts });
  let shared = 0;
  const property = fc.asyncProperty(
    fc.array(task, { minLength: 1, maxLength: 12 }),
    policies.map(({ details: _, ...policy }) => policy),
    sizes,
    async (tasks: ChooseTask[], policy, size) => {
      await using odd = new LLaMa(model, { ...options, ...fit(size) });
      await using plain = new LLaMa(model, options);
      let index = 0;
      for await (const found of odd.chooseMany(tasks, policy)) {
        const { prompt, choices } = at(tasks, index++);
        const expected = await plain.choose(prompt, choices, policy);
        checkAlike(found, expected, bound);
        if (found.usage.cachedTokens > 1) shared++;
      }
      if (index !== tasks.length) throw new Error(`${index} results of ${tasks.length}`);
    },
  );
  await fc.assert(property, { ...run, numRuns });
  t.ok(shared > 0, `${numRuns} random lists of tasks, and they share beginnings`);
}
