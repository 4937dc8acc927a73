// The package's own OpenAI class against the package's own server: it generates and tokenizes the
// same as the LM behind the server.

import { LLaMa } from 'autocog-lm';
import { OpenAI } from 'autocog-lm/openai';
import t from 'tap';
import { checkWithin } from '../lm/proofs.js';
import { at } from '../suite/oracle.js';
import { loadForm, oneThread } from '../support/forms.js';
import { startServing } from './serving.js';

const prompts = ['The capital of France is', 'Two and two make', 'Ünïcödé 漢字 😀'];

/** As in quantized.test.ts; F32 with the default F16 KV cache. */
const bounds = [
  ['F32', 2e-2],
  ['Q8_0', 6e-1],
] as const;

for (const [type, bound] of bounds) {
  t.test(`with ${type} weights`, async (t) => {
    const model = await loadForm(t, type);
    const { server } = await startServing(t, model, { apiKey: 'secret' });
    await using lm = new LLaMa(model, oneThread);
    const baseURL = `${server.url}/v1`;
    await using remote = new OpenAI({ model: type, baseURL, apiKey: 'secret', retries: 1 });
    for (const prompt of prompts) {
      const options = { maxTokens: 8, topLogprobs: 2, stop: '.' };
      const expected = await lm.complete(prompt, options);
      const found = await remote.complete(prompt, options);
      t.equal(found.text, expected.text);
      const length = Math.min(found.tokens.length, expected.tokens.length);
      t.ok(length > 0);
      t.same(found.tokens.slice(0, length), expected.tokens.slice(0, length));
      const numbers = [...found.logprobs.slice(0, length)];
      checkWithin(t, numbers, [...expected.logprobs.slice(0, length)], bound, 'log-probabilities');
      const [ours, theirs] = [found.alternatives, expected.alternatives].map((rows = []) =>
        at(rows, 0).map(({ token }) => token),
      );
      t.same(ours, theirs);
      let text = '';
      for await (const chunk of remote.stream(prompt, options)) text += chunk.text;
      t.equal(text, expected.text);
      t.same(await remote.tokenize(prompt), await lm.tokenize(prompt));
      const tokens = await lm.tokenize(prompt, { addSpecial: true });
      t.same(await remote.tokenize(prompt, { addSpecial: true }), tokens);
      t.equal(await remote.detokenize(tokens), await lm.detokenize(tokens));
    }
    const cities = [' Paris', ' London', ' Paris is a city', ' é😀', ' Rome'];
    const { strategy, ...result } = await remote.choose(prompts[0] as string, cities);
    t.equal(strategy, 'echo', 'it detects that this server supports echo');
    t.equal(result.numbers, 'exact');
    for (const options of [
      {},
      { terminator: 'eog', normalize: 'tokens' },
      { prior: '' },
    ] as const) {
      for (const strategy of ['echo', 'logprobs'] as const) {
        const all = { ...options, strategy };
        await using other = new OpenAI({
          model: type,
          baseURL,
          apiKey: 'secret',
          retries: 1,
          endOfGeneration: lm.endOfGeneration,
          beginToken: lm.beginToken,
        });
        const found = await other.choose(prompts[0] as string, cities, all);
        const expected = await lm.choose(prompts[0] as string, cities, options);
        const what = JSON.stringify(all);
        t.equal(found.text, expected.text, what);
        t.equal(found.numbers, 'exact', what);
        for (const [index, choice] of expected.choices.entries()) {
          const { tokens, logprobs } = at(found.choices, index);
          t.same(tokens, choice.tokens, what);
          checkWithin(t, [...logprobs], [...choice.logprobs], bound, `${what}, ${choice.text}`);
        }
      }
    }
    const scored = await remote.score(prompts[1] as string, ' four.');
    const { logprobs } = await lm.score(prompts[1] as string, ' four.');
    checkWithin(t, [...scored.logprobs], [...logprobs], bound, 'score');
    for (const strategy of ['bias', 'prompted'] as const) {
      const question = 'The capital of France is';
      const found = await remote.choose(question, [' Paris', ' London'], { strategy });
      t.ok([' Paris', ' London'].includes(found.text), strategy);
    }
    await using chat = new OpenAI({ model: type, baseURL, apiKey: 'secret', api: 'chat' });
    const { text } = await chat.complete('What is the capital of France?', { maxTokens: 5 });
    t.equal(text, 'Paris');
  });
}
