// The healed boundary, and detection of merges with the prompt, for any ChoiceLM.

import type { Test } from 'tap';
import { checkAgainstOracle, checkArithmetic, logprobsOf } from './choose-checks.js';
import { at, join, promptOf, softmax } from './oracle.js';
import type { Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

export function chooseHealedSuite(t: Test, { make, prompt, choices, tolerance }: Subject): void {
  testWith(
    t,
    make,
    'a healed boundary tokenizes the trimmed text together with each choice',
    async (t, lm) => {
      const texts = [...choices, choices[0] + choices[1], 'é😀', choices[0]];
      const choice = await lm.choose(prompt, texts, { boundary: 'healed' });
      checkArithmetic(t, choice);
      await checkAgainstOracle(t, lm, choice, tolerance);
      const { kind, tokens, merges, healed } = choice.boundary;
      t.equal(kind, 'healed');
      const trimmed = healed ?? { tokens: new Int32Array(0), text: '' };
      t.same(
        join(tokens, trimmed.tokens),
        await promptOf(lm, prompt),
        'the prompt is split in two',
      );
      t.equal(trimmed.tokens.length, 1);
      t.ok(trimmed.text !== '' && prompt.endsWith(trimmed.text));
      for (const scored of choice.choices) {
        const { index, text } = scored;
        t.equal(text, texts[index], 'the text is unchanged');
        t.same(scored.tokens, await lm.tokenize(trimmed.text + text, { continuation: true }));
        const separated = join(trimmed.tokens, await lm.tokenize(text, { continuation: true }));
        t.equal(merges?.includes(index), `${separated}` !== `${scored.tokens}`);
      }
      const probabilities = softmax(logprobsOf(choice).slice(0, -1));
      for (const [index, probability] of probabilities.entries()) {
        near(t, at(choice.choices, index).probability, probability, 1e-9, `probability ${index}`);
      }
      t.equal(choice.usage.promptTokens, tokens.length);
    },
  );

  testWith(t, make, 'token ids are healed by their text', async (t, lm) => {
    const healed = { boundary: 'healed' } as const;
    const ids = await Promise.all(choices.map((text) => lm.tokenize(text, { continuation: true })));
    const byText = await lm.choose(prompt, choices, healed);
    const byIds = await lm.choose(await promptOf(lm, prompt), ids, healed);
    t.same(byIds.boundary, byText.boundary);
    t.same(
      byIds.choices.map(({ tokens, text }) => [tokens, text]),
      byText.choices.map(({ tokens, text }) => [tokens, text]),
    );
  });

  testWith(t, make, 'whole characters are trimmed from a prompt', async (t, lm) => {
    const long = `${prompt}é😀`;
    const { boundary } = await lm.choose(long, choices, { boundary: 'healed' });
    t.same(join(boundary.tokens, boundary.healed?.tokens ?? []), await promptOf(lm, long));
    const text = boundary.healed?.text ?? '';
    t.notMatch(text, '\ufffd');
    t.ok(text.length > 0 && long.endsWith(text));
    t.equal(
      await lm.detokenize(boundary.healed?.tokens ?? new Int32Array(0), { continuation: true }),
      text,
    );
  });

  testWith(t, make, 'a control token is not trimmed, and its prompt not healed', async (t, lm) => {
    const [end] = lm.endOfGeneration;
    const ended = join(await promptOf(lm, prompt), [end as number]);
    const { boundary, choices: scored } = await lm.choose(ended, choices, { boundary: 'healed' });
    t.same(boundary, {
      kind: 'healed',
      tokens: ended,
      merges: [],
      healed: { tokens: new Int32Array(0), text: '' },
    });
    t.same(at(scored, 0).tokens, await lm.tokenize(choices[0], { continuation: true }));
  });

  testWith(t, make, 'prompts and choices that cannot be healed are rejected', async (t, lm) => {
    const healed = { boundary: 'healed' } as const;
    const [token] = await lm.tokenize('a', { continuation: true });
    const short = { name: 'RangeError', message: /^Expected at least two tokens, .*for prompt/ };
    await t.rejects(lm.choose(Int32Array.of(token as number), choices, healed), short);
    const [end] = lm.endOfGeneration;
    const control = [Int32Array.of(end as number)];
    const wrong = { name: 'RangeError', message: /for choices\[0\]/ };
    await t.rejects(lm.choose(prompt, control, healed), wrong);
    await t.rejects(lm.choose(prompt, ['a', ''], healed), { name: 'RangeError' });
    const empty = await lm.choose(prompt, ['a', ''], { ...healed, terminator: 'eog' });
    t.same(at(empty.choices, 1).tokens, empty.boundary.healed?.tokens);
  });

  testWith(
    t,
    make,
    'merges are reported with a separate boundary, too, if requested',
    async (t, lm) => {
      const texts = [...choices, 'é', ...choices.map((text) => text.trim())];
      const plain = await lm.choose(prompt, texts);
      const found = await lm.choose(prompt, texts, { merges: true });
      t.same(logprobsOf(found).length, texts.length);
      t.same(found.boundary, { ...plain.boundary, merges: found.boundary.merges });
      const before = await promptOf(lm, prompt);
      for (const [index, text] of texts.entries()) {
        const separated = join(before, await lm.tokenize(text, { continuation: true }));
        const whole = await promptOf(lm, prompt + text);
        t.equal(found.boundary.merges?.includes(index), `${separated}` !== `${whole}`, text);
      }
      const rejected = { name: 'TypeError', message: /merges/ };
      await t.rejects(lm.choose(before, texts, { merges: true }), rejected);
      await t.rejects(lm.choose(prompt, [before], { merges: true }), rejected);
      const joint = await lm.choose(prompt, texts, { boundary: 'joint', merges: false });
      t.ok(Array.isArray(joint.boundary.merges), 'the other boundaries always report them');
    },
  );
}
