// What a score must not depend on: the other choices, the split into batches, and the context's
// earlier calls.

import { setTimeout as wait } from 'node:timers/promises';
import { LLaMa, type LLaMaOptions, TokenChoiceTree } from 'autocog-lm';
import fc from 'fast-check';
import type { Test } from 'tap';
import { at, join } from '../suite/oracle.js';
import { bruteForce } from '../support/brute-force.js';
import { manyPaths } from '../support/many.js';
import { StepwiseLM } from '../support/stepwise-lm.js';
import { type Build, checkWithin } from './proofs.js';

/** One case: choices after a prompt, other choices to mix in, and a context of unusual sizes. */
interface Case {
  prompt: Int32Array;
  paths: Int32Array[];
  others: Int32Array[];
  shuffle: number[];
  options: LLaMaOptions;
}

/** Mostly from few tokens, so that choices share prefixes; occasionally any token. */
function arbitraryCase(size: number): fc.Arbitrary<Case> {
  const anyToken = fc.nat(size - 1);
  const token = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 97, max: 100 }) }, anyToken);
  const tokens = (maxLength: number, of: fc.Arbitrary<number>) =>
    fc.array(of, { minLength: 1, maxLength }).map((ids) => Int32Array.from(ids));
  return fc
    .record({
      prompt: tokens(24, anyToken),
      paths: fc.array(tokens(6, token), { minLength: 1, maxLength: 24 }),
      others: fc.array(tokens(8, token), { maxLength: 60 }),
      shuffle: fc.array(fc.nat(), { minLength: 1, maxLength: 100 }),
      sizes: fc.record({
        spare: fc.nat(40),
        batch: fc.integer({ min: 2, max: 80 }),
        microBatch: fc.nat(),
        sequences: fc.nat(),
        slots: fc.nat(),
        logits: fc.integer({ min: 1, max: 64 * size * 4 }),
      }),
    })
    .map(({ sizes, ...rest }) => {
      const depth = Math.max(...[...rest.paths, ...rest.others].map((path) => path.length));
      const contextSize = Math.max(4, rest.prompt.length + depth - 1 + sizes.spare);
      const maxSequences = 4 + (sizes.sequences % 253);
      const options = {
        contextSize,
        batchSize: sizes.batch,
        microBatchSize: 2 + (sizes.microBatch % (sizes.batch - 1)),
        maxSequences,
        promptSlots: 1 + (sizes.slots % (maxSequences - 3)),
        logitsBudget: sizes.logits,
      };
      return { ...rest, options };
    });
}

const maxDistance = (found: readonly number[], expected: readonly number[]): number =>
  Math.max(...expected.map((value, index) => Math.abs(value - (found[index] ?? Number.NaN))));

/** Throws if the case's LM of unusual sizes and the plain one score a choice differently. */
async function checkCase(build: Build, plain: LLaMa, each: Case): Promise<number> {
  const { model, options, bound } = build;
  const { prompt, paths, others, shuffle } = each;
  const expected = await plain.choose(prompt, paths);
  await using odd = new LLaMa(model, { ...options, ...each.options });

  // The choices, some of them duplicated, among others, shuffled.
  const twice = shuffle.map((pick) => at(paths, pick % paths.length));
  const mixed = [...paths, ...twice, ...others]
    .map((path, index) => ({ path, key: Math.imul(index + 1, at(shuffle, 0) | 1) >>> 0 }))
    .sort((a, b) => a.key - b.key)
    .map(({ path }) => path);
  const { choices, tree, usage } = await odd.choose(prompt, mixed);
  const { size, childless } = new TokenChoiceTree(mixed);
  const decoded = prompt.length + size - childless;
  // With no more branches than a path may have forks, some states are computed again.
  const { maxSequences, promptSlots } = odd.contextInfo;
  const deepest = Math.max(...mixed.map((path) => path.length));
  const { recurrent, hybrid } = model.info;
  const isShort = (recurrent || hybrid) && maxSequences - promptSlots - 1 <= deepest;
  const again = isShort && usage.decodedTokens > decoded;
  if (tree.size !== size || !(again || usage.decodedTokens === decoded)) {
    throw new Error(`${usage.decodedTokens} tokens were decoded instead of ${decoded}`);
  }
  const byPath = new Map(paths.map((path, index) => [`${path}`, at(expected.choices, index)]));
  const stepwise = await new StepwiseLM(odd).choose(prompt, paths);
  let worst = 0;
  const check = (found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void => {
    const off = maxDistance(Array.from(found), Array.from(expected));
    if (!(off <= bound)) throw new Error(`${what}: off by ${off}`);
    worst = Math.max(worst, off);
  };
  for (const { tokens, logprobs } of choices) {
    const same = byPath.get(`${tokens}`);
    if (same !== undefined) check(logprobs, same.logprobs, `path ${tokens} in C++`);
  }
  for (const { tokens, logprobs, index } of stepwise.choices) {
    check(logprobs, at(expected.choices, index).logprobs, `path ${tokens} in TypeScript`);
  }
  const sample = at(paths, at(shuffle, 0) % paths.length);
  const truth = await bruteForce(model, options, prompt, sample);
  const found = choices.find(({ tokens }) => `${tokens}` === `${sample}`);
  check(found?.logprobs ?? [], truth, `path ${sample} by brute force`);
  return worst;
}

/** Proof 3, for random choices and random sizes of everything. */
export async function proveInvariance(t: Test, build: Build, numRuns: number): Promise<void> {
  await using plain = new LLaMa(build.model, build.options);
  let worst = 0;
  const property = fc.asyncProperty(arbitraryCase(build.model.vocab.size), async (each) => {
    worst = Math.max(worst, await checkCase(build, plain, each));
  });
  await fc.assert(property, { numRuns, interruptAfterTimeLimit: 60_000, endOnFailure: true });
  t.comment(`largest difference in ${numRuns} cases: ${worst}`);
  t.pass(`${numRuns} random cases`);
}

/** Starts a long call and aborts it while it runs. */
async function abortMidway(
  t: Test,
  start: (signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const controller = new AbortController();
  const reason = new Error('midway');
  let settled = false;
  const running = start(controller.signal).then(
    () => undefined,
    (error: unknown) => error,
  );
  running.finally(() => {
    settled = true;
  });
  await wait(25);
  t.equal(settled, false, 'it is still running');
  controller.abort(reason);
  t.equal(await running, reason);
}

/** Proof 4: whatever a context did before, it returns what a fresh one returns. */
export async function proveNoMemory(
  t: Test,
  build: Build,
  slots: readonly number[],
): Promise<void> {
  const { model, options, bound } = build;
  const prompt = model.tokenizeSync('The capital of France is', { addSpecial: true });
  const longer = join(prompt, model.tokenizeSync(' Paris, and the capital of Italy is Rome.'));
  const paths = [' Paris', ' Paris is', ' London', ' Rome.'].map((text) =>
    model.tokenizeSync(text),
  );
  const many = manyPaths(5000, 6, model.vocab.size);
  const answer = async (lm: LLaMa, after: Int32Array): Promise<number[]> =>
    (await lm.choose(after, paths)).choices.flatMap(({ logprobs }) => [...logprobs]);
  const fresh = async (after: Int32Array): Promise<number[]> => {
    await using lm = new LLaMa(model, options);
    return await answer(lm, after);
  };
  const expected = await fresh(prompt);
  const expectedLonger = await fresh(longer);

  const histories: Record<string, (lm: LLaMa) => Promise<unknown>> = {
    'the same call': (lm) => answer(lm, prompt),
    'a longer prompt': (lm) => answer(lm, longer),
    'a longer prompt, ingested': (lm) => lm.ingest(longer),
    'a shorter prompt': (lm) => answer(lm, prompt.subarray(0, 2)),
    'logits of every position': (lm) => lm.eval(longer, { logits: 'all' }),
    complete: (lm) => lm.complete(prompt, { maxTokens: 40 }),
    'thousands of choices': (lm) => lm.choose(prompt, many.slice(0, 400)),
    'many other prompts': async (lm) => {
      for (const other of many.slice(0, 20)) await lm.greedy(other);
    },
    'a rejected call': (lm) =>
      t.rejects(lm.choose(new Int32Array(600), paths), { code: 'CONTEXT_OVERFLOW' }),
    'an abort within a tree': (lm) =>
      abortMidway(t, (signal) => lm.choose(prompt, many, { signal })),
    'an abort within another prompt, with sequential choices': (lm) =>
      abortMidway(t, (signal) => lm.choose(longer, many, { signal, batching: 'sequential' })),
  };
  for (const [history, replay] of Object.entries(histories)) {
    for (const promptSlots of slots) {
      await using lm = new LLaMa(model, { ...options, promptSlots });
      await lm.ready;
      await replay(lm);
      const what = `with ${promptSlots} slots, after ${history}`;
      checkWithin(t, await answer(lm, prompt), expected, bound, what);
      checkWithin(t, await answer(lm, longer), expectedLonger, bound, `${what}, a longer prompt`);
      checkWithin(t, await answer(lm, prompt), expected, bound, `${what}, and again`);
    }
  }

  // KV cells of generated tokens come from other kernels: they must not be reused for a prompt.
  await using lm = new LLaMa(model, options);
  const { tokens } = await lm.complete(prompt, { maxTokens: 12 });
  const generated = join(prompt, [...tokens, 65]);
  const after = await lm.choose(generated, paths);
  // An encoder reads the generated tokens as a part of another prompt.
  t.equal(after.usage.cachedTokens, lm.encoderDecoder ? 0 : prompt.length);
  const found = after.choices.flatMap(({ logprobs }) => [...logprobs]);
  checkWithin(t, found, await fresh(generated), bound, 'after generated tokens');
}

/**
 * Decoding token by token equals decoding all at once: in a fresh context the layout of the KV
 * cells and thus the kernels are the same, and so is every digit. Observed: no difference; 4e-3
 * (F16) without the padding that avoids batches of a single token.
 */
export async function proveSteps(t: Test, { model, options }: Build): Promise<void> {
  const tokens = model.tokenizeSync('The cow says moo. A lemon is yellow.', { addSpecial: true });
  await using whole = new LLaMa(model, options);
  await using stepwise = new LLaMa(model, options);
  const { logits } = await whole.eval(tokens, { logits: 'all' });
  for (let end = 1; end <= tokens.length; end++) {
    const step = await stepwise.eval(tokens.subarray(0, end));
    t.equal(step.usage.cachedTokens, end - 1);
    const size = step.logits.length;
    const expected = logits.subarray((end - 1) * size, end * size);
    checkWithin(t, [...step.logits], [...expected], 1e-5, `logits after ${end} tokens`);
  }
}
