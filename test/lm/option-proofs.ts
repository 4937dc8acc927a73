// Properties of the options of choose, over random tries, options and sizes: native code and
// TypeScript agree, a search finds the exhaustive result, and packing changes nothing.

import {
  type Choice,
  type ChooseOptions,
  type ChooseTask,
  LLaMa,
  type LLaMaOptions,
  type Model,
} from 'autocog-lm';
import fc from 'fast-check';
import type { Test } from 'tap';
import { at } from '../suite/oracle.js';
import { StepwiseLM } from '../support/stepwise-lm.js';
import type { Build } from './proofs.js';

/** Answers that the default model knows, parts of words, multi-byte characters, white space. */
const pieces = [' Paris', ' Lon', 'don', ' is', ' blue', ' a', 'é', '😀', ' ', '.', ' cow', 's'];
const starts = ['The capital of France is', 'The sky', 'a', 'Two and two make ', 'é😀'];

const text = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 5 });
const texts = fc.array(
  text.map((parts) => parts.join('')),
  { minLength: 1, maxLength: 16 },
);

/** Options for which both implementations must agree. */
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

/** An encoder-decoder has no boundary between prompt and choices. */
const policiesOf = (model: Model) =>
  model.info.encoderDecoder ? policies.map(({ boundary: _, ...policy }) => policy) : policies;

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

/** Throws, since a property fails by throwing. */
function near(found: number, expected: number, bound: number, what: string): void {
  if (found === expected || Math.abs(found - expected) <= bound) return;
  throw new Error(`${what}: ${found} is not within ${bound} of ${expected}`);
}

function checkSame(found: Choice, expected: Choice, bound: number): void {
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
    policiesOf(model),
    sizes,
    async (prompt, choices, policy, size) => {
      await using odd = new LLaMa(model, { ...options, ...fit(size) });
      await using plain = new LLaMa(model, options);
      const stepwise = new StepwiseLM(plain);
      const [found, expected] = await Promise.all([
        odd.choose(prompt, choices, policy),
        stepwise.choose(prompt, choices, policy),
      ]);
      checkSame(found, expected, bound);
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

/** Compares a search with an exhaustive scoring. `slack`: the tolerance of a score. */
function checkSearch(found: Choice, all: Choice, goal: ChooseOptions, slack: number): void {
  const ranked = [...all.choices].sort((a, b) => a.rank - b.rank);
  const requested = Math.min(goal.top ?? 0, ranked.length);
  if (found.certified < requested) throw new Error(`only ${found.certified} ranks are certain`);
  const best = [...found.choices].sort((a, b) => a.rank - b.rank);
  for (let index = 0; index < found.certified; index++) {
    near(at(best, index).score, at(ranked, index).score, slack, `score of rank ${index + 1}`);
  }
  // The interval contains the exhaustive probability, up to the tolerance of the scores.
  const factor = Math.exp(2 * slack);
  for (const [index, { interval, exact, score }] of found.choices.entries()) {
    const truth = at(all.choices, index);
    if (exact) near(score, truth.score, slack, `score of ${index}`);
    else if (truth.score > score + slack) throw new Error(`the bound of ${index} is too low`);
    const [low, high] = interval ?? [truth.probability, truth.probability];
    if (truth.probability < low / factor || truth.probability > high * factor) {
      throw new Error(`probability of ${index}: ${truth.probability} is not in ${low} to ${high}`);
    }
    const reported =
      goal.top === undefined || (exact && at(found.choices, index).rank <= requested);
    if (goal.tolerance !== undefined && reported && !(high - low <= goal.tolerance * factor)) {
      throw new Error(`the interval of ${index} is ${high - low} wide`);
    }
  }
}

/** A search returns the winners in order, with valid intervals. */
export async function proveSearch(t: Test, build: Build, numRuns: number): Promise<void> {
  const { model, options, bound } = build;
  const property = fc.asyncProperty(
    fc.oneof(
      fc.constantFrom(...starts),
      fc.array(fc.nat(1000), { minLength: 1, maxLength: 20 }).map((ids) => Int32Array.from(ids)),
    ),
    tries,
    policies.filter(({ boundary, normalize, terminator }) => {
      // Token ids have no joint boundary and may have no text.
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

  // Random choices are all unlikely; if the model knows the answer, a search is fast.
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

/** Tasks in shared batches give the same results as alone. */
export async function proveMany(t: Test, build: Build, numRuns: number): Promise<void> {
  const { model, options, bound } = build;
  const task = fc.record({ prompt: fc.constantFrom(...starts, 'The capital of'), choices: texts });
  let shared = 0;
  const property = fc.asyncProperty(
    fc.array(task, { minLength: 1, maxLength: 12 }),
    policiesOf(model).map(({ details: _, ...policy }) => policy),
    sizes,
    async (tasks: ChooseTask[], policy, size) => {
      await using odd = new LLaMa(model, { ...options, ...fit(size) });
      await using plain = new LLaMa(model, options);
      let index = 0;
      for await (const found of odd.chooseMany(tasks, policy)) {
        const { prompt, choices } = at(tasks, index++);
        const expected = await plain.choose(prompt, choices, policy);
        checkSame(found, expected, bound);
        if (found.usage.cachedTokens > 1) shared++;
      }
      if (index !== tasks.length) throw new Error(`${index} results of ${tasks.length}`);
    },
  );
  await fc.assert(property, { ...run, numRuns });
  const shares = shared > 0 || model.info.encoderDecoder;
  t.ok(shares, `${numRuns} random lists of tasks, and they share prefixes`);
}
