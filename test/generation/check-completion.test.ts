// `checkCompletion` throws what `complete` would reject with because of its options.

import { type CompleteOptions, defaultModelPath, LLaMa, type LM, LM as LMClass } from 'autocog-lm';
import { OpenAI } from 'autocog-lm/openai';
import t from 'tap';
import { ToyLM } from '../suite/toy-lm.js';

const sampled: CompleteOptions = { sampler: { temperature: 0.7, topK: 5, minP: 0, topP: 1 } };
const cases: [string, CompleteOptions][] = [
  ['invalid', { maxTokens: 0 }],
  ['sampled', sampled],
  ['grammar', { grammar: 'root ::= "a"' }],
  ['greedy', { sampler: { temperature: 0 } }],
  ['shift', { contextShift: true }],
  ['none', {}],
];

/** The code of what is thrown, by case. */
const codes = (lm: LM): Record<string, string> =>
  Object.fromEntries(
    cases.map(([name, options]) => {
      try {
        lm.checkCompletion(options);
        return [name, ''];
      } catch (error) {
        return [name, (error as { code: string }).code];
      }
    }),
  );

const [invalid, refused] = ['OUT_OF_RANGE', 'NOT_SUPPORTED'];
const none = { invalid, sampled: '', grammar: '', greedy: '', shift: '', none: '' };

t.test('it refuses what the class does not support', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, { threads: 1 });
  t.same(codes(lm), none);
  await using toy = new ToyLM();
  t.same(codes(toy), { ...none, sampled: refused, grammar: refused, shift: refused });
  await using remote = new OpenAI({ model: 'm', baseURL: 'http://127.0.0.1:1/v1' });
  t.same(codes(remote), { ...none, sampled: refused, grammar: refused, shift: refused });
  for (const [name, options] of cases.filter(([name]) => codes(toy)[name] !== '')) {
    await t.rejects(toy.complete('a', options), { code: codes(toy)[name] as string });
  }
});

t.test('by default it only checks whether the options are valid', async (t) => {
  t.same(codes(Object.create(LMClass.prototype) as LM), none);
});
