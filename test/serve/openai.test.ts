// The package's own class OpenAI before the package's own server: it writes and tokenizes what
// the LM behind the server does.

import { LLaMa } from 'autocog-lm';
import { OpenAI } from 'autocog-lm/openai';
import t from 'tap';
import { checkWithin } from '../lm/proofs.js';
import { at } from '../suite/oracle.js';
import { loadForm, oneThread } from '../support/forms.js';
import { startServing } from './serving.js';

const prompts = ['The capital of France is', 'Two and two make', 'Ünïcödé 漢字 😀'];

/** As of quantized.test.ts; F32 with the F16 cache that is usual. */
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
      const wanted = await lm.complete(prompt, options);
      const found = await remote.complete(prompt, options);
      t.equal(found.text, wanted.text);
      const length = Math.min(found.tokens.length, wanted.tokens.length);
      t.ok(length > 0);
      t.same(found.tokens.slice(0, length), wanted.tokens.slice(0, length));
      const numbers = [...found.logprobs.slice(0, length)];
      checkWithin(t, numbers, [...wanted.logprobs.slice(0, length)], bound, 'log-probabilities');
      const [ours, theirs] = [found.alternatives, wanted.alternatives].map((rows = []) =>
        at(rows, 0).map(({ token }) => token),
      );
      t.same(ours, theirs);
      let text = '';
      for await (const chunk of remote.stream(prompt, options)) text += chunk.text;
      t.equal(text, wanted.text);
      t.same(await remote.tokenize(prompt), await lm.tokenize(prompt));
      const tokens = await lm.tokenize(prompt, { addSpecial: true });
      t.same(await remote.tokenize(prompt, { addSpecial: true }), tokens);
      t.equal(await remote.detokenize(tokens), await lm.detokenize(tokens));
    }
    const cities = [' Paris', ' London', ' Paris is a city', ' é😀', ' Rome'];
    const { strategy, ...own } = await remote.choose(prompts[0] as string, cities);
    t.equal(strategy, 'echo', 'it finds out by itself that this server echoes');
    t.equal(own.numbers, 'exact');
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
        const wanted = await lm.choose(prompts[0] as string, cities, options);
        const what = JSON.stringify(all);
        t.equal(found.text, wanted.text, what);
        t.equal(found.numbers, 'exact', what);
        for (const [index, choice] of wanted.choices.entries()) {
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
