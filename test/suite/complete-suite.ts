// The consistency of complete with greedy, for any ChoiceLM.

import type { ChoiceLM } from 'autocog-lm';
import type { Test } from 'tap';
import { join, promptOf, sum } from './oracle.js';
import type { Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

async function greedyTokens(lm: ChoiceLM, prompt: Int32Array, count: number): Promise<Int32Array> {
  let tokens = new Int32Array(0);
  while (tokens.length < count) {
    const next = await lm.greedy(join(prompt, tokens));
    const best = next.indexOf(Math.max(...next));
    if (lm.endOfGeneration.includes(best)) break;
    tokens = Int32Array.from([...tokens, best]);
  }
  return tokens;
}

export function completeSuite(t: Test, { make, prompt, tolerance }: Subject): void {
  testWith(t, make, 'complete takes the best token of greedy each time', async (t, lm) => {
    const maxTokens = 12;
    const expected = await greedyTokens(lm, await promptOf(lm, prompt), maxTokens);
    const { text, tokens, logprobs, logprob, stopReason, usage } = await lm.complete(prompt, {
      maxTokens,
    });
    t.same(tokens, expected);
    t.equal(text, await lm.detokenize(tokens, { continuation: true }));
    t.equal(stopReason, expected.length < maxTokens ? 'eog' : 'length');
    t.equal(logprobs.length, tokens.length);
    near(t, logprob, sum(logprobs), 1e-9, 'the sum');
    near(t, logprob, (await lm.score(prompt, tokens)).logprob, tokens.length * tolerance, 'score');
    t.equal(usage.promptTokens, (await promptOf(lm, prompt)).length);
  });

  testWith(t, make, 'complete cuts the text before the earliest stop string', async (t, lm) => {
    const { text } = await lm.complete(prompt, { maxTokens: 12 });
    const stop = text.slice(3, 5);
    const cut = await lm.complete(prompt, { maxTokens: 12, stop });
    t.equal(cut.stopReason, 'stop');
    t.equal(cut.text, text.slice(0, text.indexOf(stop)));
    const other = text.slice(2, 3);
    const earlier = await lm.complete(prompt, { maxTokens: 12, stop: [stop, other, '\u0000'] });
    t.equal(earlier.text, text.slice(0, Math.min(text.indexOf(other), text.indexOf(stop))));
  });

  testWith(t, make, 'complete finds a stop string that spans two tokens', async (t, lm) => {
    const { tokens, text } = await lm.complete(prompt, { maxTokens: 12 });
    const head = (await lm.detokenize(tokens.subarray(0, 4), { continuation: true })).length;
    const stop = text.slice(head - 1, head + 1);
    const cut = await lm.complete(prompt, { maxTokens: 12, stop });
    t.equal(cut.text, text.slice(0, text.indexOf(stop)));
    t.same(
      cut.tokens,
      tokens.subarray(0, cut.tokens.length),
      'the stop string is among the tokens',
    );
  });

  testWith(t, make, 'complete rejects invalid stops, counts and options', async (t, lm) => {
    await t.rejects(lm.complete(prompt, { stop: '' }), { name: 'RangeError' });
    await t.rejects(lm.complete(prompt, { stop: ['x', ''] }), { name: 'RangeError' });
    await t.rejects(lm.complete(prompt, { stop: {} as never }), { name: 'TypeError' });
    await t.rejects(lm.complete(prompt, { stop: -1 }), { name: 'RangeError' });
    await t.rejects(lm.complete(prompt, { maxTokens: 0 }), { name: 'RangeError' });
    await t.rejects(lm.complete(prompt, { temperature: 1 } as never), {
      name: 'TypeError',
      message: /^Expected only maxTokens, stop, .* for the keys of options, got "temperature"$/,
    });
  });
}
