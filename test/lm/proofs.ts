// Proofs that scores are correct, for any weights: brute force, the laws of probability, and the
// TypeScript implementation. `bound` is the maximum change of a log-probability with the batch that
// its token is decoded in.

import { type ChooseOptions, LLaMa, type LLaMaOptions, type Model } from 'autocog-lm';
import type { Test } from 'tap';
import { at, join, promptOf, sum } from '../suite/oracle.js';
import { bruteForce } from '../support/brute-force.js';
import { StepwiseLM } from '../support/stepwise-lm.js';

/** A way to build an LM, and its precision. */
export interface Build {
  model: Model;
  options: LLaMaOptions;
  bound: number;
}

const prompts = [
  'The capital of France is',
  'a',
  'The cow says moo. The sky is blue. A lemon is yellow. Two and two make',
] as const;

/** Shared prefixes, prefixes of others, duplicates, one token and many, non-ASCII characters. */
const texts = [
  ' Paris',
  ' Paris is the capital of France.',
  ' Paris is a city',
  ' London',
  ' Lon',
  ' four',
  '!',
  ' Paris',
  'é😀 ünïcode',
  ' The sky is blue, and so is the sea; the grass is green.',
];

/** Returns the largest difference of two lists of numbers; fails if it exceeds `bound`. */
export function checkWithin(
  t: Test,
  found: readonly number[],
  expected: readonly number[],
  bound: number,
  what: string,
): number {
  const off = found.map((value, index) => Math.abs(value - (expected[index] ?? Number.NaN)));
  // Math.max alone would accept lists of different lengths.
  const worst = found.length === expected.length ? Math.max(0, ...off) : Number.NaN;
  t.ok(worst <= bound, `${what}: ${worst} is within ${bound}`);
  return worst;
}

/** Proof 1: every token of every choice equals brute force in a separate context. */
export async function proveByBruteForce(t: Test, build: Build): Promise<void> {
  const { model, options, bound } = build;
  await using lm = new LLaMa(model, options);
  const stepwise = new StepwiseLM(lm);
  const worst = { native: 0, stepwise: 0 };
  for (const prompt of prompts) {
    const native = await lm.choose(prompt, texts);
    const slow = await stepwise.choose(prompt, texts);
    const tokens = await promptOf(lm, prompt);
    for (const [index, { tokens: path, text, logprobs }] of native.choices.entries()) {
      t.same(path, model.tokenizeSync(text));
      const expected = await bruteForce(model, options, tokens, path);
      const what = `${JSON.stringify(prompt + text)} in`;
      const found = checkWithin(t, [...logprobs], expected, bound, `${what} C++`);
      worst.native = Math.max(worst.native, found);
      const twin = [...at(slow.choices, index).logprobs];
      worst.stepwise = Math.max(worst.stepwise, checkWithin(t, twin, expected, bound, what));
    }
  }
  t.comment(`largest error: C++ ${worst.native}, TypeScript ${worst.stepwise}`);
}

/** Proof 2: the probabilities of all children sum to that of their parent. */
export async function proveSums(t: Test, { model, options, bound }: Build): Promise<void> {
  await using lm = new LLaMa(model, options);
  const every = Array.from({ length: model.vocab.size }, (_, token) => token);
  for (const twin of [lm, new StepwiseLM(lm)]) {
    const prompt = await promptOf(lm, prompts[0]);
    const roots = await twin.choose(
      prompt,
      every.map((token) => Int32Array.of(token)),
    );
    const total = sum(roots.choices.map(({ logprob }) => Math.exp(logprob)));
    checkWithin(t, [total, roots.mass], [1, 1], 1e-4, 'the sum of all one-token choices');
    // The most and the least likely next token.
    const ranked = [...roots.choices].sort((a, b) => a.rank - b.rank);
    for (const { tokens, logprob } of [at(ranked, 0), at(ranked, every.length - 1)]) {
      const below = await twin.choose(
        prompt,
        every.map((token) => join(tokens, [token])),
      );
      const children = below.choices.map(({ logprobs }) => Math.exp(at(logprobs, 1)));
      checkWithin(t, [sum(children)], [1], 1e-4, `the sum of all children of token ${tokens}`);
      checkWithin(
        t,
        [Math.log(below.mass)],
        [logprob],
        bound + 1e-4,
        'their mass is that of the parent',
      );
    }
  }
}

/** Proof 6: C++ and TypeScript agree on every option. */
export async function proveAgreement(t: Test, { model, options, bound }: Build): Promise<void> {
  await using lm = new LLaMa(model, options);
  const stepwise = new StepwiseLM(lm);
  const cases: ChooseOptions[] = [];
  const boundaries = lm.encoderDecoder ? (['separate'] as const) : (['separate', 'joint'] as const);
  for (const boundary of boundaries) {
    for (const terminator of ['none', 'eog', '.\n']) {
      for (const batching of ['tree', 'sequential'] as const) {
        cases.push({ boundary, terminator, batching, normalize: 'none' });
      }
    }
  }
  for (const normalize of ['tokens', 'bytes', 'chars'] as const) cases.push({ normalize });
  for (const choose of cases) {
    for (const prompt of prompts.slice(0, 2)) {
      const what = JSON.stringify([prompt, choose]);
      const native = await lm.choose(prompt, texts, choose);
      const slow = await stepwise.choose(prompt, texts, choose);
      const length = Math.max(...native.choices.map(({ tokens }) => tokens.length + 1));
      const [own, other] = [native, slow].map(({ choices, tree }) => ({
        scores: choices.map(({ score }) => score),
        nodes: tree.nodes().map(({ logprob }) => logprob ?? Number.NaN),
        ends: tree.nodes().map(({ end }) => end ?? 0),
        shape: {
          paths: tree.paths,
          parents: tree.parents,
          texts: tree.nodes().map(({ text }) => text),
          paired: choices.map(({ text, tokens, endLogprob }) => [
            text,
            tokens,
            endLogprob === undefined,
          ]),
        },
      })) as [Side, Side];
      t.same(own.shape, other.shape, `the tree of ${what}`);
      t.same(native.boundary, slow.boundary, `the boundary of ${what}`);
      checkWithin(t, own.nodes, other.nodes, bound, `nodes of ${what}`);
      checkWithin(t, own.ends, other.ends, bound, `ends of ${what}`);
      checkWithin(t, own.scores, other.scores, length * bound, `scores of ${what}`);
    }
  }
}

interface Side {
  scores: number[];
  nodes: number[];
  ends: number[];
  shape: unknown;
}
