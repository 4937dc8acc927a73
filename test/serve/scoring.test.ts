// Scores of echoed prompts in `/v1/completions`: the numbers equal those of the LM, and shared
// tokens are decoded once.

import { defaultModelPath, LLaMa, Model } from 'autocog-lm';
import t, { type Test } from 'tap';
import { checkWithin } from '../lm/proofs.js';
import { at, join, sum } from '../suite/oracle.js';
import { loadForm, oneThread } from '../support/forms.js';
import { type Json, startServing } from './serving.js';

const context = 'The cow says moo. The sky is blue. The capital of France is';
const endings = [' Paris', ' Paris is the capital of France.', ' London', '!', ' é😀 ünïcode'];
const texts = ['The sky is', ...endings.map((ending) => context + ending), 'The sky is', 'a'];

/** As in quantized.test.ts; F32 with the default F16 KV cache. */
const bounds = [
  ['F32', 2e-2],
  ['Q8_0', 6e-1],
] as const;

const openDefault = async (t: Test): Promise<Model> => {
  const model = await Model.load(defaultModelPath);
  t.teardown(() => model.close());
  return model;
};

for (const [type, bound] of bounds) {
  t.test(`echoed prompts have the LM's own numbers, with ${type} weights`, async (t) => {
    const model = await loadForm(t, type);
    const { post } = await startServing(t, model);
    await using lm = new LLaMa(model, oneThread);
    const lists = texts.map((text) => model.tokenizeSync(text, { addSpecial: true }));
    const expected: number[][] = [];
    for (const tokens of lists) {
      const scored = await lm.score(tokens.slice(0, 1), tokens.slice(1));
      expected.push([...scored.logprobs]);
    }
    for (const prompt of [texts, lists.map((tokens) => [...tokens])]) {
      for (const logprobs of [0, 1, 4]) {
        const what = `${typeof prompt[0]}s with logprobs ${logprobs}`;
        const body = { prompt, echo: true, logprobs, max_tokens: 0 };
        const { status, json } = await post('/v1/completions', body);
        t.equal(status, 200);
        t.equal(json.choices.length, texts.length);
        for (const [index, choice] of json.choices.entries()) {
          t.equal(choice.index, index);
          t.equal(choice.finish_reason, 'length');
          const { token_logprobs: reported, token_ids: ids, top_logprobs: tops } = choice.logprobs;
          t.same(ids, [...at(lists, index)]);
          t.equal(reported[0], null);
          t.equal(tops[0], null);
          checkWithin(t, reported.slice(1), at(expected, index), bound, `${what}, prompt ${index}`);
          await checkTops(t, lm, choice.logprobs, logprobs, bound);
        }
      }
    }
  });
}

/** Each position has the LM's candidates as its top tokens, and includes its own token. */
async function checkTops(t: Test, lm: LLaMa, reported: Json, count: number, bound: number) {
  const { token_ids: ids, token_logprobs: logprobs, tokens, top_logprobs: tops } = reported;
  const position = ids.length - 1;
  if (position === 0) return;
  for (const [index, top] of tops.entries()) {
    if (index === 0) continue;
    const values = Object.values(top) as number[];
    t.ok(values.length === count || values.length === count + 1, `${values.length} for ${count}`);
    t.equal(top[tokens[index]], logprobs[index], 'its own token has the very same number');
    t.ok(count === 0 || Math.max(...values) >= logprobs[index]);
  }
  const best = await lm.candidates(Int32Array.from(ids.slice(0, position)), Math.max(1, count));
  const values = (Object.values(tops[position]) as number[]).sort((a, b) => b - a);
  const expected = best.slice(0, count).map(({ logprob }) => logprob);
  checkWithin(t, values.slice(0, count), expected, bound, `the best ${count}`);
}

t.test('a shared prefix is decoded once', async (t) => {
  const model = await openDefault(t);
  const { post, lm } = await startServing(t, model);
  const prompt = endings.map((ending) => context + ending);
  const lists = prompt.map((text) => model.tokenizeSync(text, { addSpecial: true }));
  const shared = model.tokenizeSync(context, { addSpecial: true }).length;
  const own = sum(lists.map(({ length }) => length - shared));
  for (const logprobs of [1, 2]) {
    await lm.clear();
    const body = { prompt, echo: true, logprobs, max_tokens: 0 };
    const { json } = await post('/v1/completions', body);
    t.equal(json.usage.prompt_tokens, sum(lists.map(({ length }) => length)));
    const { decoded_tokens: decoded } = json.usage;
    t.ok(decoded <= shared + own + endings.length, `${decoded} for ${shared} and ${own}`);
  }
});

t.test('prompts in separate requests share a prefix, too', async (t) => {
  const model = await openDefault(t);
  const { post } = await startServing(t, model);
  const shared = model.tokenizeSync(context, { addSpecial: true }).length;
  const request = async (ending: string) => {
    const body = {
      prompt: context + ending,
      echo: true,
      logprobs: 1,
      max_tokens: 1,
      temperature: 0,
    };
    return (await post('/v1/completions', body)).json;
  };
  const first = await request(' London');
  await request(' Paris');
  for (const ending of [' Berlin', ' Rome', ' a city']) {
    const { usage } = await request(ending);
    t.equal(usage.prompt_tokens_details.cached_tokens, shared, `${ending} hits the cached context`);
    t.ok(usage.decoded_tokens <= 8, `${ending} costs ${usage.decoded_tokens}`);
  }
  const again = await request(' London');
  const numbers = (json: Json): number[] => json.choices[0].logprobs.token_logprobs.slice(1, -1);
  t.same(numbers(again), numbers(first), 'cached scores are unchanged');
  t.same(again.choices[0].logprobs.tokens, first.choices[0].logprobs.tokens);
});

t.test('cached scores are dropped when the LM computes different values', async (t) => {
  const model = await openDefault(t);
  const { post, lm } = await startServing(t, model);
  const body = { prompt: context, echo: true, logprobs: 1, max_tokens: 0 };
  const numbers = async () => {
    const { json } = await post('/v1/completions', body);
    return json.choices[0].logprobs.token_logprobs.slice(1);
  };
  const before = await numbers();
  const { embeddingSize, layers } = model.info;
  const data = new Float32Array(embeddingSize * (layers - 1)).fill(0.5);
  await lm.setControlVector({ data });
  const steered = await numbers();
  t.notSame(steered, before);
  const tokens = await lm.tokenize(context, { addSpecial: true });
  const { logprobs } = await lm.score(tokens.slice(0, 1), tokens.slice(1));
  checkWithin(t, steered, [...logprobs], 2e-2, 'steered');
  await lm.setControlVector(undefined);
  checkWithin(t, await numbers(), before, 2e-2, 'same as before steering');
});

t.test('one greedy token after a scored prompt equals the generated one', async (t) => {
  const model = await openDefault(t);
  const { post, lm } = await startServing(t, model);
  const completed = (await lm.complete('The sky is blue', { maxTokens: 60 })).text;
  const chat =
    '<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\nParis';
  for (const prompt of [...texts, completed, chat]) {
    const greedy = { prompt, max_tokens: 1, temperature: 0, logprobs: 1 };
    const generated = (await post('/v1/completions', greedy)).json.choices[0];
    for (const logprobs of [0, 1, 3]) {
      const { json } = await post('/v1/completions', { ...greedy, logprobs, echo: true });
      const [choice] = json.choices;
      t.equal(choice.text, prompt + generated.text);
      t.equal(choice.finish_reason, generated.finish_reason);
      t.same(choice.logprobs.token_ids.slice(-1), generated.logprobs.token_ids);
      const reported = choice.logprobs.token_logprobs.slice(-1);
      checkWithin(t, reported, generated.logprobs.token_logprobs, 5e-2, 'its log-probability');
      const entries = choice.logprobs.tokens.length;
      t.equal(
        entries,
        model.tokenizeSync(prompt, { addSpecial: true, parseSpecial: true }).length + 1,
      );
    }
  }
  const { json } = await post('/v1/completions', {
    ...{ prompt: chat, max_tokens: 5, temperature: 0, logprobs: 1, echo: true },
  });
  t.equal(json.choices[0].finish_reason, 'stop');
  t.ok(
    lm.endOfGeneration.includes(json.choices[0].logprobs.token_ids.at(-1)),
    'the end token is reported',
  );
  t.equal(json.usage.completion_tokens, 0, 'but not counted');
});

t.test('token names are unambiguous', async (t) => {
  const model = await openDefault(t);
  const { post } = await startServing(t, model);
  const prompt = 'é😀 a';
  const request = async (more: object) => {
    const body = { prompt, echo: true, logprobs: 1, max_tokens: 0, ...more };
    return (await post('/v1/completions', body)).json.choices[0].logprobs;
  };
  const reported = await request({});
  t.same(reported.tokens, [
    ...['<|bos|>', 'bytes:\\xc3', 'bytes:\\xa9'],
    ...['bytes:\\xf0', 'bytes:\\x9f', 'bytes:\\x98', 'bytes:\\x80', ' a'],
  ]);
  t.same(reported.text_offset, [0, 0, 0, 1, 1, 1, 1, 2]);
  const named = await request({ return_tokens_as_token_ids: true });
  t.same(
    named.tokens,
    reported.token_ids.map((id: number) => `token_id:${id}`),
  );
  for (const top of named.top_logprobs.slice(1)) t.match(Object.keys(top)[0], /^token_id:\d+$/);
  const ids = await request({
    prompt: [...model.tokenizeSync('<|bos|>ab', { parseSpecial: true })],
  });
  t.same(ids.text_offset, [0, 7, 8], 'control tokens in a prompt of ids have their text as width');
});

t.test('a BOS token in the text is not duplicated', async (t) => {
  const model = await openDefault(t);
  const { post } = await startServing(t, model);
  const body = { prompt: ['<|bos|>a b', 'a b'], echo: true, logprobs: 0, max_tokens: 0 };
  const [withBos, plain] = (await post('/v1/completions', body)).json.choices;
  t.same(withBos.logprobs.token_ids, plain.logprobs.token_ids);
  t.equal(withBos.text, '<|bos|>a b');
  t.equal(plain.text, 'a b');
});

t.test('an implicit BOS token is evaluated but not reported', async (t) => {
  const model = await openDefault(t);
  const { bos } = model.vocab as { bos: number };
  const { post, lm } = await startServing(t, model, { implicitBos: true });
  const tokens = model.tokenizeSync(context);
  const { logprobs } = await lm.score(Int32Array.of(bos), tokens);
  for (const alternatives of [1, 3]) {
    for (const prompt of [context, [...tokens]]) {
      const body = { prompt, echo: true, logprobs: alternatives, max_tokens: 1, temperature: 0 };
      const [choice] = (await post('/v1/completions', body)).json.choices;
      t.same(choice.logprobs.token_ids.slice(0, -1), [...tokens]);
      const reported = choice.logprobs.token_logprobs.slice(0, -1);
      checkWithin(t, reported, [...logprobs], 2e-2, 'after the BOS token');
      t.equal(choice.logprobs.text_offset[1], 3);
    }
  }
  const withBos = [bos, ...tokens];
  const body = { prompt: withBos, echo: true, logprobs: 1, max_tokens: 0 };
  const [choice] = (await post('/v1/completions', body)).json.choices;
  t.same(choice.logprobs.token_ids, withBos, 'an explicit BOS token is reported');
  t.equal(choice.logprobs.token_logprobs[0], null);
  const generated = await lm.complete(join([bos], tokens), { maxTokens: 6 });
  const plain = { prompt: [...tokens], max_tokens: 6, temperature: 0 };
  t.equal((await post('/v1/completions', plain)).json.choices[0].text, generated.text);
});

t.test('a prompt that fills the context is scored; a longer one is rejected', async (t) => {
  const model = await openDefault(t);
  const { post } = await startServing(
    t,
    model,
    {},
    { ...oneThread, contextSize: 64, batchSize: 16 },
  );
  const tokens = Array.from({ length: 64 }, (_, index) => 300 + index);
  await using lm = new LLaMa(model, oneThread);
  const { logprobs } = await lm.score(Int32Array.of(300), Int32Array.from(tokens.slice(1)));
  for (const alternatives of [1, 2]) {
    const body = {
      prompt: tokens,
      echo: true,
      logprobs: alternatives,
      max_tokens: 1,
      temperature: 0,
    };
    const { status, json } = await post('/v1/completions', body);
    t.equal(status, 200);
    const reported = json.choices[0].logprobs.token_logprobs.slice(1, -1);
    checkWithin(t, reported, [...logprobs], 2e-2, 'in several batches');
    for (const more of [{ prompt: [...tokens, 1] }, { max_tokens: 2 }]) {
      const refused = await post('/v1/completions', { ...body, ...more });
      t.equal(refused.status, 400);
      t.equal(refused.json.error.code, 'context_length_exceeded');
    }
  }
});

t.test('a prompt of one token has no scores', async (t) => {
  const { post } = await startServing(t, await openDefault(t));
  for (const logprobs of [0, 1, 2]) {
    const body = { prompt: [5], echo: true, logprobs, max_tokens: 0 };
    const { json } = await post('/v1/completions', body);
    t.match(json.choices[0].logprobs, { token_ids: [5], token_logprobs: [null], text_offset: [0] });
    t.equal(json.usage.decoded_tokens, 0);
  }
});
