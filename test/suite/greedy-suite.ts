// The consistency of greedy, candidates and score, for any LM that has them.

import type { Test } from 'tap';
import { at, promptOf, stepsOf, sum } from './oracle.js';
import { has, type Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

async function rejectsPrompts(
  t: Test,
  calls: (bad: never) => readonly Promise<unknown>[],
): Promise<void> {
  for (const [bad, name] of [
    [undefined, 'TypeError'],
    [['a'], 'TypeError'],
    [[1, 2], 'TypeError'],
    [new Float32Array(2), 'TypeError'],
    [new Int32Array(0), 'RangeError'],
    [Int32Array.of(-1), 'RangeError'],
  ]) {
    await Promise.all(calls(bad as never).map((call) => t.rejects(call, { name: name as string })));
  }
}

export function greedySuite(t: Test, subject: Subject): void {
  if (has(subject, 'greedy')) distributionSuite(t, subject);
  if (has(subject, 'score')) scoreSuite(t, subject);
  promptSuite(t, subject);
}

function distributionSuite(t: Test, { make, prompt, tolerance }: Subject): void {
  testWith(t, make, 'greedy returns a distribution that sums to one', async (t, lm) => {
    const logprobs = await lm.greedy(prompt);
    t.ok(logprobs instanceof Float32Array);
    near(t, sum(logprobs.map(Math.exp)), 1, 1e-4, 'the sum');
  });

  testWith(t, make, 'greedy returns the same for a text and for its tokens', async (t, lm) => {
    const tokens = await promptOf(lm, prompt);
    t.same(await lm.greedy(tokens), await lm.greedy(prompt));
  });

  testWith(t, make, 'candidates are the best of greedy, in order', async (t, lm) => {
    const logprobs = await lm.greedy(prompt);
    const best = await lm.candidates(prompt, 7);
    const order = [...logprobs.keys()].sort((a, b) => at(logprobs, b) - at(logprobs, a) || a - b);
    t.same(
      best.map(({ token }) => token),
      order.slice(0, 7),
    );
    for (const { token, text, logprob, probability } of best) {
      near(t, logprob, at(logprobs, token), tolerance, `logprob of ${token}`);
      near(t, probability, Math.exp(logprob), 1e-12, `probability of ${token}`);
      t.equal(
        text,
        await lm.detokenize(Int32Array.of(token), { special: true, continuation: true }),
      );
    }
  });

  testWith(t, make, 'candidates are the whole vocabulary if k is larger', async (t, lm) => {
    const size = (await lm.greedy(prompt)).length;
    t.equal((await lm.candidates(prompt, 10 * size)).length, size);
  });

  testWith(t, make, 'candidates reject an invalid k', async (t, lm) => {
    await t.rejects(lm.candidates(prompt, 0), { name: 'RangeError', code: 'OUT_OF_RANGE' });
    await t.rejects(lm.candidates(prompt, 1.5), { name: 'RangeError' });
    await t.rejects(lm.candidates(prompt, '3' as never), { name: 'TypeError' });
  });

  testWith(t, make, 'both reject an invalid prompt', async (t, lm) => {
    await rejectsPrompts(t, (bad) => [lm.greedy(bad), lm.candidates(bad, 1)]);
  });
}

function scoreSuite(t: Test, { make, prompt, choices, tolerance }: Subject): void {
  testWith(t, make, "score is the sum of greedy's steps", async (t, lm) => {
    const text = choices.join('');
    const { tokens, logprobs, logprob, usage, timings } = await lm.score(prompt, text);
    t.same(tokens, await lm.tokenize(text, { continuation: true }));
    const steps = await stepsOf(lm, await promptOf(lm, prompt), tokens);
    for (const [index, step] of steps.entries()) {
      near(t, at(logprobs, index), step, tolerance, `token ${index}`);
    }
    near(t, logprob, sum(logprobs), 1e-9, 'the sum');
    t.equal(logprobs.length, tokens.length);
    t.equal(usage.promptTokens, (await promptOf(lm, prompt)).length);
    t.ok(timings.totalMs >= timings.tokenizeMs);
  });

  testWith(t, make, 'score accepts token ids and rejects an empty continuation', async (t, lm) => {
    const tokens = await lm.tokenize(choices[0], { continuation: true });
    const { logprob } = await lm.score(await promptOf(lm, prompt), tokens);
    near(t, logprob, (await lm.score(prompt, choices[0])).logprob, tolerance, 'the same');
    await t.rejects(lm.score(prompt, ''), { name: 'RangeError' });
    await t.rejects(lm.score(prompt, new Int32Array(0)), { name: 'RangeError' });
  });
}

function promptSuite(t: Test, subject: Subject): void {
  const { make } = subject;
  testWith(t, make, 'every method rejects an invalid prompt', async (t, lm) => {
    await rejectsPrompts(t, (bad) => [lm.score(bad, 'x'), lm.complete(bad), lm.choose(bad, ['x'])]);
  });

  testWith(t, make, 'lone surrogates count as the replacement character', async (t, lm) => {
    t.same(await lm.tokenize('a\ud800b'), await lm.tokenize('a\ufffdb'));
  });
}
