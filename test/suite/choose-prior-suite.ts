// Option `prior` of `choose`, for any ChoiceLM: checked against two calls without a prior.

import type { ChoiceLM, ChooseOptions } from 'autocog-lm';
import type { Test } from 'tap';
import { checkArithmetic } from './choose-checks.js';
import { at, promptOf } from './oracle.js';
import { has, type Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

/** The tokens of an empty prior. */
async function beginning(lm: ChoiceLM): Promise<Int32Array> {
  const tokens = await promptOf(lm, '');
  return tokens.length > 0 ? tokens : Int32Array.of(lm.beginToken as number);
}

export function choosePriorSuite(t: Test, subject: Subject): void {
  const { make, prompt, choices, tolerance } = subject;
  const prior = `${choices[1]} and`;
  const texts = [...choices, choices[0] + choices[1], choices[0]];

  /** Each score is the one without a prior minus the prior's, each normalized by its own length. */
  const checkPrior = async (
    t: Test,
    lm: ChoiceLM,
    options: ChooseOptions,
    before: string | Int32Array,
    value: string = prior,
  ): Promise<void> => {
    const what = JSON.stringify([options, value]);
    const found = await lm.choose(prompt, texts, { ...options, prior: value });
    const plain = await lm.choose(prompt, texts, options);
    const alone = await lm.choose(before, texts, options);
    checkArithmetic(t, found);
    t.same(found.boundary, plain.boundary, `the boundary is the prompt's: ${what}`);
    for (const { index, tokens, logprob, priorLogprob = Number.NaN, score } of found.choices) {
      const [own, other] = [at(plain.choices, index), at(alone.choices, index)];
      const slack = 2 * tolerance * (tokens.length + other.tokens.length + 1);
      near(t, logprob, own.logprob, slack, `log-probability ${index} of ${what}`);
      near(t, priorLogprob, other.logprob, slack, `prior ${index} of ${what}`);
      near(t, score, own.score - other.score, slack, `score ${index} of ${what}`);
    }
  };

  testWith(t, make, 'a prior is subtracted, normalized by its own length', async (t, lm) => {
    for (const normalize of ['none', 'tokens', 'bytes', 'chars'] as const) {
      await checkPrior(t, lm, { normalize }, prior);
    }
  });

  testWith(t, make, 'a prior uses the boundary and the terminator of the prompt', async (t, lm) => {
    const others = has(subject, 'boundaries') ? (['joint', 'healed'] as const) : [];
    for (const boundary of ['separate', ...others] as const) {
      for (const terminator of ['none', 'eog', choices[2]]) {
        await checkPrior(t, lm, { boundary, terminator, normalize: 'tokens' }, prior);
      }
    }
    await checkPrior(t, lm, { batching: 'sequential' }, prior);
  });

  testWith(t, make, 'an empty prior is the beginning token', async (t, lm) => {
    const before = await beginning(lm);
    await checkPrior(t, lm, {}, before, '');
    await checkPrior(t, lm, { normalize: 'tokens', terminator: 'eog' }, before, '');
    const ids = await Promise.all(texts.map((text) => lm.tokenize(text, { continuation: true })));
    const [byText, byIds] = [
      await lm.choose(prompt, texts, { prior: '' }),
      await lm.choose(await promptOf(lm, prompt), ids, { prior: '' }),
    ];
    for (const { index, score, tokens } of byIds.choices) {
      const slack = 4 * tolerance * tokens.length;
      near(t, score, at(byText.choices, index).score, slack, `choice ${index} by ids`);
    }
  });

  testWith(t, make, 'a prior is scored once, and then cached', async (t, lm) => {
    const plain = await lm.choose(prompt, texts);
    const work = ({ usage }: { usage: typeof plain.usage }): number =>
      usage.decodedTokens + usage.cachedTokens;
    const first = await lm.choose(prompt, texts, { prior });
    const second = await lm.choose(prompt, texts, { prior });
    const some = await lm.choose(prompt, texts.slice(1, 3), { prior, normalize: 'bytes' });
    const alone = await lm.choose(prompt, texts.slice(1, 3), { normalize: 'bytes' });
    t.ok(work(first) > work(plain), 'the first call scores the prior');
    t.equal(work(second), work(plain), 'the second does not');
    t.equal(work(some), work(alone), 'nor does one with some of the same choices');
    t.same(
      second.choices.map(({ priorLogprob }) => priorLogprob),
      first.choices.map(({ priorLogprob }) => priorLogprob),
    );
    t.equal(first.usage.promptTokens, plain.usage.promptTokens);
    const ended = await lm.choose(prompt, texts, { prior, terminator: 'eog' });
    t.ok(
      (at(ended.choices, 0).priorLogprob as number) < (at(first.choices, 0).priorLogprob as number),
      'another terminator is cached separately',
    );
  });

  testWith(
    t,
    make,
    'concurrent calls and an abort keep the cached priors correct',
    async (t, lm) => {
      const controller = new AbortController();
      const aborted = lm.choose(prompt, texts, { prior, signal: controller.signal });
      controller.abort('enough');
      await t.rejects(
        aborted.catch((reason) => Promise.reject(new Error(reason))),
        { message: 'enough' },
      );
      const together = await Promise.all(
        [prior, '', prior].map((prior) => lm.choose(prompt, texts, { prior })),
      );
      const alone = await lm.choose(prior, texts);
      for (const choice of [at(together, 0), at(together, 2)]) {
        for (const { index, tokens, priorLogprob = Number.NaN } of choice.choices) {
          const expected = at(alone.choices, index).logprob;
          near(t, priorLogprob, expected, 2 * tolerance * tokens.length, `prior ${index}`);
        }
      }
    },
  );
}
