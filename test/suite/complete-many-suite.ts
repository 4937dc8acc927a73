// The consistency of completeMany with complete, for any ChoiceLM.

import type { Test } from 'tap';
import { at } from './oracle.js';
import type { Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

export function completeManySuite(t: Test, { make, prompt, choices, tolerance }: Subject): void {
  const prompts = [prompt, ...choices.map((choice) => prompt + choice), prompt];

  testWith(t, make, 'completeMany generates what complete generates one by one', async (t, lm) => {
    const options = { maxTokens: 8, topLogprobs: 1 };
    const together = await lm.completeMany(prompts, options);
    t.equal(together.length, prompts.length);
    for (const [index, each] of prompts.entries()) {
      const alone = await lm.complete(each, options);
      const { text, tokens, logprobs, stopReason, usage } = at(together, index);
      t.same({ text, tokens, stopReason }, pick(alone));
      for (const [step, logprob] of logprobs.entries()) {
        near(t, logprob, at(alone.logprobs, step), tolerance, `step ${step} of ${index}`);
      }
      t.equal(usage.promptTokens, alone.usage.promptTokens);
    }
  });

  testWith(t, make, 'completeMany reports the tokens of each text in order', async (t, lm) => {
    const texts = prompts.map(() => '');
    const onToken = ({ text }: { text: string }, index: number): void => {
      texts[index] += text;
    };
    const completions = await lm.completeMany(prompts, { maxTokens: 6, onToken });
    t.same(
      texts,
      completions.map(({ text }) => text),
    );
  });

  testWith(t, make, 'false from onToken ends one text and leaves the others', async (t, lm) => {
    const completions = await lm.completeMany(prompts, {
      maxTokens: 6,
      onToken: (_, index) => index !== 1,
    });
    t.match(at(completions, 1), { stopReason: 'callback', tokens: { length: 1 } });
    const others = completions.filter((_, index) => index !== 1);
    t.ok(others.every(({ stopReason, tokens }) => stopReason === 'eog' || tokens.length === 6));
  });

  testWith(t, make, 'completeMany rejects what complete rejects', async (t, lm) => {
    t.same(await lm.completeMany([]), []);
    await t.rejects(lm.completeMany('x' as never), { name: 'TypeError' });
    await t.rejects(lm.completeMany([prompt, 3 as never]), {
      name: 'TypeError',
      message: /prompts\[1\]/,
    });
    await t.rejects(lm.completeMany([prompt], { maxTokens: 0 }), { name: 'RangeError' });
    const reason = new Error('mine');
    const fail = (): never => {
      throw reason;
    };
    await t.rejects(lm.completeMany(prompts, { onToken: fail }), reason);
    const signal = AbortSignal.abort(reason);
    await t.rejects(lm.completeMany(prompts, { signal }), reason);
    t.equal((await lm.completeMany(prompts, { maxTokens: 1 })).length, prompts.length);
  });
}

function pick({
  text,
  tokens,
  stopReason,
}: {
  text: string;
  tokens: Int32Array;
  stopReason: string;
}) {
  return { text, tokens, stopReason };
}
