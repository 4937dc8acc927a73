// Properties over random prompts, trees and histories: a context's earlier calls do not affect
// results, and the probabilities of all next tokens sum to 1.

import { LLaMa, type Model } from 'autocog-lm';
import fc from 'fast-check';
import type { Test } from 'tap';
import { at, sum } from '../suite/oracle.js';
import type { Build } from './proofs.js';

const run = { interruptAfterTimeLimit: 120_000, endOnFailure: true, markInterruptAsFailure: true };

/** Prefixes of a few texts, so that prompts share long prefixes. */
function prompts(model: Model): fc.Arbitrary<Int32Array> {
  const texts = [
    'The capital of France is Paris. The capital of Italy is Rome. A lemon is yellow.',
    'The capital of France is Paris, and the capital of Spain is Madrid.',
    'Two and two make four.',
  ].map((text) => model.tokenizeSync(text, { addSpecial: true }));
  const text = fc.constantFrom(...texts);
  return fc.tuple(text, fc.nat(60)).map(([tokens, length]) => tokens.slice(0, 1 + length));
}

const token = fc.integer({ min: 97, max: 101 });
const path = fc.array(token, { minLength: 1, maxLength: 4 }).map((ids) => Int32Array.from(ids));
const paths = fc.array(path, { minLength: 1, maxLength: 12 });

type Step = (lm: LLaMa) => Promise<unknown>;

/** One call to a context. An abort comes before or during the call. */
function steps(model: Model): fc.Arbitrary<Step> {
  const prompt = prompts(model);
  const choose = fc.tuple(prompt, paths);
  return fc.oneof(
    choose.map(
      ([p, c]): Step =>
        (lm) =>
          lm.choose(p, c),
    ),
    choose.map(
      ([p, c]): Step =>
        (lm) =>
          lm.choose(p, c, { search: 'bound', top: 1 }),
    ),
    choose.map(
      ([p, c]): Step =>
        (lm) =>
          lm.choose(p, c, { batching: 'sequential' }),
    ),
    choose.map(
      ([p, c]): Step =>
        (lm) =>
          lm.choose(p, c, { terminator: 'eog', prior: '' }),
    ),
    fc.array(choose, { minLength: 2, maxLength: 5 }).map(
      (all): Step =>
        async (lm) => {
          const tasks = all.map(([p, c]) => ({ prompt: p, choices: c }));
          for await (const _ of lm.chooseMany(tasks)) _.index;
        },
    ),
    prompt.map(
      (p): Step =>
        (lm) =>
          lm.greedy(p),
    ),
    prompt.map(
      (p): Step =>
        (lm) =>
          lm.ingest(p),
    ),
    prompt.map(
      (p): Step =>
        (lm) =>
          lm.eval(p, { logits: 'all' }),
    ),
    fc.tuple(prompt, fc.integer({ min: 1, max: 9 })).map(
      ([p, n]): Step =>
        (lm) =>
          lm.complete(p, { maxTokens: n }),
    ),
    fc.tuple(choose, fc.nat(3)).map(
      ([[p, c], ms]): Step =>
        async (lm) => {
          const signal = AbortSignal.timeout(ms);
          await lm.choose(p, c, { signal }).catch((error: unknown) => {
            if (!signal.aborted) throw error;
          });
        },
    ),
  );
}

/** Proof 4 for random histories, with prompts that compete for few slots and KV cells. */
export async function proveHistories(t: Test, build: Build, numRuns: number): Promise<void> {
  const { model, options, bound } = build;
  const property = fc.asyncProperty(
    fc.array(steps(model), { minLength: 1, maxLength: 8 }),
    prompts(model),
    paths,
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 2, max: 64 }),
    async (history, prompt, choices, promptSlots, batchSize) => {
      const sizes = {
        contextSize: 80,
        maxSequences: 10,
        microBatchSize: Math.max(2, batchSize >> 1),
      };
      await using used = new LLaMa(model, { ...options, ...sizes, batchSize, promptSlots });
      await using fresh = new LLaMa(model, options);
      for (const step of history) await step(used);
      const expected = await fresh.choose(prompt, choices);
      const found = await used.choose(prompt, choices);
      for (const [index, { logprobs }] of expected.choices.entries()) {
        for (const [position, logprob] of logprobs.entries()) {
          const off = Math.abs(at(at(found.choices, index).logprobs, position) - logprob);
          if (!(off <= bound)) throw new Error(`token ${position} of ${index} is off by ${off}`);
        }
      }
      const again = await used.choose(prompt, choices);
      if (again.usage.cachedTokens !== prompt.length) throw new Error('the prompt is not cached');
    },
  );
  await fc.assert(property, { ...run, numRuns });
  t.pass(`${numRuns} random histories`);
}

/** Proof 2 at random positions: the probabilities of all children sum to that of their parent. */
export async function proveRandomSums(t: Test, build: Build, numRuns: number): Promise<void> {
  const { model, options, bound } = build;
  await using lm = new LLaMa(model, options);
  const every = Array.from({ length: model.vocab.size }, (_, id) => id);
  const property = fc.asyncProperty(prompts(model), path, async (prompt, above) => {
    const below = every.map((id) => Int32Array.from([...above, id]));
    const { choices, mass } = await lm.choose(prompt, below);
    const next = sum(choices.map(({ logprobs }) => Math.exp(at(logprobs, above.length))));
    if (!(Math.abs(next - 1) <= 1e-4)) throw new Error(`the next tokens sum to ${next}`);
    const { logprob } = await lm.score(prompt, above);
    const off = Math.abs(Math.log(mass) - logprob);
    if (!(off <= above.length * bound + 1e-4)) throw new Error(`the mass is off by ${off}`);
  });
  await fc.assert(property, { ...run, numRuns });
  t.pass(`${numRuns} random positions`);
}
