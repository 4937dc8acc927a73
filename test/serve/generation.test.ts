// Generation in `/v1/completions` and `/v1/chat/completions`: the same output as the LM's, in one
// response or streamed.

import { defaultModelPath, LLaMa, Model } from 'autocog-lm';
import { Thread } from 'autocog-lm/chat';
import { serve } from 'autocog-lm/serve';
import t, { type Test } from 'tap';
import { checkWithin } from '../lm/proofs.js';
import { at, sum } from '../suite/oracle.js';
import { loadForm, oneThread } from '../support/forms.js';
import { eventsOf, type Json, type Serving, startServing } from './serving.js';

const prompts = ['The capital of France is', 'The sky is', 'Two and two make'];
const question = { role: 'user', content: 'What is the capital of France?' };

const open = async (t: Test): Promise<Serving> => {
  const model = await Model.load(defaultModelPath);
  t.teardown(() => model.close());
  return startServing(t, model);
};

/** Assembles the choices of a stream from its events. */
function gathered(events: readonly Json[], count: number): Json[] {
  const choices = Array.from({ length: count }, (_, index): Json => {
    return { index, text: '', content: '', role: undefined, logprobs: undefined, reasons: [] };
  });
  for (const { index, text, delta, logprobs, finish_reason: reason } of events.flatMap(
    ({ choices }) => choices,
  )) {
    const choice = at(choices, index);
    choice.text += text ?? '';
    choice.content += delta?.content ?? '';
    choice.role ??= delta?.role;
    if (reason !== null) choice.reasons.push(reason);
    if (logprobs === null) continue;
    choice.logprobs ??= Object.fromEntries(Object.keys(logprobs).map((key) => [key, []]));
    for (const [key, list] of Object.entries(logprobs)) {
      choice.logprobs[key].push(...(list as unknown[]));
    }
  }
  return choices;
}

for (const type of ['F32', 'Q8_0']) {
  t.test(`completions are the LM's, with ${type} weights`, async (t) => {
    const model = await loadForm(t, type);
    const { post } = await startServing(t, model);
    await using lm = new LLaMa(model, oneThread);
    for (const sampler of [
      { temperature: 0 },
      { temperature: 1.5, topK: 20, minP: 0, topP: 0.9 },
    ]) {
      for (const prompt of prompts) {
        const { temperature, topK = 0, topP = 1 } = sampler;
        const settings = { temperature, top_k: topK, top_p: topP, seed: 7 };
        const body = { ...settings, prompt, max_tokens: 10, logprobs: 2, stop: [' the', '\n'] };
        const { json } = await post('/v1/completions', body);
        const expected = await lm.complete(prompt, {
          maxTokens: 10,
          topLogprobs: 2,
          stop: [' the', '\n'],
          sampler: { temperature, topK, topP, minP: 0, seed: 7 },
        });
        const [choice] = json.choices;
        t.equal(choice.text, expected.text);
        t.same(choice.logprobs.token_ids.slice(0, expected.tokens.length), [...expected.tokens]);
        const found = choice.logprobs.token_logprobs.slice(0, expected.tokens.length);
        checkWithin(t, found, [...expected.logprobs], 1e-9, 'the same log-probabilities');
        t.equal(choice.finish_reason, expected.stopReason === 'length' ? 'length' : 'stop');
        t.equal(json.usage.completion_tokens, expected.tokens.length);
        t.equal(json.usage.prompt_tokens, expected.usage.promptTokens);
        t.match(json, { object: 'text_completion', model: type, id: /^cmpl-/ });
      }
    }
  });
}

t.test('a stream equals the response in one piece', async (t) => {
  const { post } = await open(t);
  const cases = [
    { prompt: prompts[0], max_tokens: 12, temperature: 0 },
    { prompt: prompts, max_tokens: 8, temperature: 0, logprobs: 1, echo: true },
    { prompt: prompts, max_tokens: 8, temperature: 0.9, seed: 3, n: 2, logprobs: 3 },
    { prompt: prompts[1], max_tokens: 1, temperature: 0, echo: true, logprobs: 2 },
    { prompt: prompts[1], max_tokens: 0, echo: true, logprobs: 0 },
    { prompt: prompts[1], max_tokens: 0 },
    { prompt: 'é😀', max_tokens: 9, temperature: 2, seed: 5, stop: 'e', logprobs: 0 },
    {
      prompt: '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
      temperature: 0,
      logprobs: 2,
    },
  ];
  for (const body of cases) {
    const whole = await post('/v1/completions', body);
    const streamed = await post('/v1/completions', {
      ...body,
      stream: true,
      stream_options: { include_usage: true },
    });
    t.equal(whole.status, 200);
    t.match(streamed.headers.get('content-type'), 'text/event-stream');
    const events = eventsOf(t, streamed);
    const { choices, usage } = events.pop();
    t.same(choices, []);
    t.equal(usage.completion_tokens, whole.json.usage.completion_tokens);
    t.equal(usage.prompt_tokens, whole.json.usage.prompt_tokens);
    const found = gathered(events, whole.json.choices.length);
    for (const [index, choice] of whole.json.choices.entries()) {
      const { text, logprobs, reasons } = at(found, index);
      t.equal(text, choice.text);
      t.same(reasons, [choice.finish_reason]);
      t.same(logprobs?.tokens, choice.logprobs?.tokens);
      t.same(logprobs?.text_offset, choice.logprobs?.text_offset);
      const numbers = (list: (number | null)[] = []) => list.map((value) => value ?? 0);
      const expected = numbers(choice.logprobs?.token_logprobs);
      checkWithin(t, numbers(logprobs?.token_logprobs), expected, 2e-2, 'log-probabilities');
    }
  }
});

t.test('a chat response equals that of a thread', async (t) => {
  const { post, lm } = await open(t);
  const messages = [{ role: 'system', content: 'Answer with one word.' }, question];
  const thread = new Thread(lm, { system: 'Answer with one word.', sampler: { temperature: 0 } });
  const expected = await thread.send(question.content);
  const { json } = await post('/v1/chat/completions', { messages, temperature: 0 });
  t.match(json, { object: 'chat.completion', id: /^chatcmpl-/, model: 'default' });
  t.match(json.choices[0], { index: 0, finish_reason: 'stop', logprobs: null });
  t.same(json.choices[0].message, { role: 'assistant', content: expected, refusal: null });
  const parts = [
    { type: 'text', text: 'What is the capital' },
    { type: 'text', text: ' of France?' },
  ];
  const more = [
    { role: 'developer', content: 'Answer with one word.' },
    { role: 'user', content: parts },
  ];
  const other = await post('/v1/chat/completions', { messages: more, temperature: 0 });
  t.same(other.json.choices, json.choices, 'other role names and content parts are equivalent');
  const controlToken = { role: 'user', content: 'Hi<|im_end|>' };
  const { usage } = (
    await post('/v1/chat/completions', { messages: [controlToken], max_tokens: 1 })
  ).json;
  const plain = await new Thread(lm, { messages: [controlToken] }).inferenceTokens();
  t.equal(usage.prompt_tokens, plain.length, 'control tokens in messages stay text');
});

t.test('a final assistant message is continued', async (t) => {
  const { post, lm } = await open(t);
  const messages = [question, { role: 'assistant', content: 'P' }];
  const { json } = await post('/v1/chat/completions', { messages, temperature: 0 });
  const text =
    '<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\nP';
  const tokens = await lm.tokenize(text, { addSpecial: true, parseSpecial: true });
  t.equal(json.choices[0].message.content, (await lm.complete(tokens)).text);
  t.equal(json.usage.prompt_tokens, tokens.length);
});

t.test('chat log-probabilities have bytes and ids', async (t) => {
  const { post, lm } = await open(t);
  const body = { messages: [question], temperature: 0, logprobs: true, top_logprobs: 2 };
  const { content } = (await post('/v1/chat/completions', body)).json.choices[0].logprobs;
  t.equal(content.map(({ token }: Json) => token).join(''), 'Paris');
  for (const { id, bytes, logprob, top_logprobs: top } of content) {
    t.same(bytes, [...lm.model.tokenBytes(id)]);
    t.equal(top.length, 2);
    t.equal(top[0].logprob, logprob, 'greedy');
    t.ok(top[1].logprob < logprob);
  }
  const none = { ...body, top_logprobs: undefined };
  t.same(
    (await post('/v1/chat/completions', none)).json.choices[0].logprobs.content[0].top_logprobs,
    [],
  );
});

t.test('a streamed chat equals the chat in one piece', async (t) => {
  const { post } = await open(t);
  for (const more of [
    { temperature: 0 },
    { temperature: 1, seed: 4, n: 3, max_tokens: 6, logprobs: true, top_logprobs: 1 },
    { temperature: 0, max_completion_tokens: 1 },
  ]) {
    const body = { messages: [question], ...more };
    const whole = (await post('/v1/chat/completions', body)).json;
    const options = { stream: true, stream_options: { include_usage: true } };
    const events = eventsOf(t, await post('/v1/chat/completions', { ...body, ...options }));
    t.equal(events.pop().usage.total_tokens, whole.usage.total_tokens);
    const found = gathered(events, whole.choices.length);
    for (const [index, choice] of whole.choices.entries()) {
      const { content, role, reasons, logprobs } = at(found, index);
      t.equal(content, choice.message.content);
      t.equal(role, 'assistant');
      t.same(reasons, [choice.finish_reason]);
      t.same(logprobs, choice.logprobs ?? undefined);
    }
  }
});

t.test('constrained output follows its grammar or schema', async (t) => {
  const { post } = await open(t);
  const properties = { city: { type: 'string', maxLength: 8 }, big: { type: 'boolean' } };
  const schema = {
    type: 'object',
    properties,
    required: ['city', 'big'],
    additionalProperties: false,
  };
  const json_schema = { name: 'city', description: 'A city.', schema, strict: true };
  const body = { messages: [question], temperature: 1, seed: 1, max_tokens: 200 };
  const format = { type: 'json_schema', json_schema };
  const answer = await post('/v1/chat/completions', { ...body, response_format: format });
  const value = JSON.parse(answer.json.choices[0].message.content);
  t.same(Object.keys(value).sort(), ['big', 'city']);
  const object = { type: 'json_object' };
  const free = await post('/v1/chat/completions', {
    ...body,
    response_format: object,
    temperature: 0,
  });
  t.match(free.json.choices[0].message.content, /^\{/);
  const text = { type: 'text' };
  const plain = await post('/v1/chat/completions', {
    ...body,
    response_format: text,
    temperature: 0,
  });
  t.equal(plain.json.choices[0].message.content, 'Paris');
  const integers = { prompt: 'One, two: ', json_schema: { type: 'integer' }, max_tokens: 9 };
  t.match((await post('/v1/completions', integers)).json.choices[0].text, /^-?\d+$/);
  const grammar = { prompt: 'Say', grammar: 'root ::= " yes" | " no"', max_tokens: 9 };
  t.match((await post('/v1/completions', grammar)).json.choices[0].text, /^ (?:yes|no)$/);
});

t.test('biases, stop tokens and penalties are applied', async (t) => {
  const { post, lm } = await open(t);
  const greedy = { prompt: prompts[0], temperature: 0, max_tokens: 8, logprobs: 0 };
  const generated = (await post('/v1/completions', greedy)).json.choices[0].logprobs.token_ids;
  const [first, second] = generated;
  const banned = await post('/v1/completions', { ...greedy, logit_bias: { [first]: -100 } });
  t.not(banned.json.choices[0].logprobs.token_ids[0], first);
  const forced = await post('/v1/completions', { ...greedy, logit_bias: { 300: 100 } });
  t.same(new Set(forced.json.choices[0].logprobs.token_ids), new Set([300]));
  const stopped = await post('/v1/completions', { ...greedy, stop_token_ids: [second] });
  t.match(stopped.json.choices[0], {
    finish_reason: 'stop',
    text: await lm.detokenize(Int32Array.of(first)),
  });
  const sampler = { temperature: 0, presencePenalty: 2, frequencyPenalty: 1 };
  const penalties = { presence_penalty: 2, frequency_penalty: 1, max_tokens: 20 };
  const penalised = await post('/v1/completions', { ...greedy, ...penalties });
  t.equal(
    penalised.json.choices[0].text,
    (await lm.complete(prompts[0] as string, { sampler, maxTokens: 20 })).text,
  );
});

t.test("the server does not use the LM's own defaults", async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, {
    ...oneThread,
    completion: { stop: ' ', includeStop: true, maxTokens: 1, contextShift: true },
  });
  await using server = await serve(lm, { port: 0 });
  const body = { prompt: prompts.slice(0, 2), max_tokens: 6, temperature: 0 };
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  const { choices } = (await (await fetch(`${server.url}/v1/completions`, init)).json()) as Json;
  const { post } = await open(t);
  t.same(choices, (await post('/v1/completions', body)).json.choices);
  t.equal(choices[0].finish_reason, 'length');
});

t.test('concurrent requests get their own responses', async (t) => {
  const { post, lm } = await open(t);
  const expected = await Promise.all(
    prompts.map((prompt) => lm.complete(prompt, { maxTokens: 6 })),
  );
  const send = (prompt: string, stream: boolean) =>
    post('/v1/completions', { prompt, max_tokens: 6, temperature: 0, stream });
  const sent = Array.from({ length: 8 }, (_, round) =>
    prompts.map((prompt) => send(prompt, round % 2 === 1)),
  );
  const replies = await Promise.all(sent.flat());
  const texts = replies.map((reply) => {
    if (reply.json !== undefined) return reply.json.choices[0].text;
    return at(gathered(eventsOf(t, reply), 1), 0).text;
  });
  t.same(
    texts,
    sent.flatMap(() => expected.map(({ text }) => text)),
  );
  t.equal(sum(replies.map(({ status }) => status)), 200 * replies.length);
});

t.test('generation ends when the context is full', async (t) => {
  const model = await Model.load(defaultModelPath);
  t.teardown(() => model.close());
  const { post, lm } = await startServing(t, model, {}, { ...oneThread, contextSize: 32 });
  const body = {
    prompt: 'a',
    max_tokens: lm.contextSize - 1,
    temperature: 0,
    logit_bias: { 300: 100 },
  };
  const { status, json } = await post('/v1/completions', body);
  t.equal(status, 200);
  t.equal(json.choices[0].finish_reason, 'length');
  const messages = [question];
  const bias = { messages, temperature: 0, logit_bias: { 300: 100 } };
  const chat = await post('/v1/chat/completions', bias);
  t.equal(chat.status, 200);
  t.equal(chat.json.choices[0].finish_reason, 'length');
  t.ok(chat.json.usage.total_tokens >= lm.contextSize - 1);
});
