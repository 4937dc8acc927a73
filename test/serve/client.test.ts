// OpenAI's own client against the server: every route that the client supports.

import { defaultModelPath, Model } from 'autocog-lm';
import OpenAI, { type APIError } from 'openai';
import t, { type Test } from 'tap';
import { checkWithin } from '../lm/proofs.js';
import { loadForm } from '../support/forms.js';
import { startServing } from './serving.js';

const model = 'default';
const prompt = 'The capital of France is';
const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }];

async function connect(t: Test, options = {}) {
  const file = await Model.load(defaultModelPath);
  t.teardown(() => file.close());
  const { lm, server } = await startServing(t, file, options);
  return { lm, client: clientOf(server.url, 'none') };
}

const clientOf = (url: string, apiKey: string): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });

/** The error that the client rejects with. */
const refusal = (promise: PromiseLike<unknown>): Promise<APIError> =>
  Promise.resolve(promise).then(
    () => t.fail('It resolved') as never,
    (error: unknown) => error as APIError,
  );

t.test('completions, with echo and log-probabilities', async (t) => {
  const { client, lm } = await connect(t);
  const body = { model, prompt, max_tokens: 6, temperature: 0 };
  const completion = await lm.complete(prompt, { maxTokens: 6 });
  const answer = await client.completions.create({ ...body, logprobs: 1, echo: true });
  t.equal(answer.choices[0]?.text, prompt + completion.text);
  const tokens = await lm.tokenize(prompt, { addSpecial: true });
  const { logprobs } = await lm.score(tokens.slice(0, 1), tokens.slice(1));
  const found = answer.choices[0]?.logprobs?.token_logprobs ?? [];
  checkWithin(t, found.slice(1, tokens.length), [...logprobs], 2e-2, 'of the prompt');
  const stream = await client.completions.create({ ...body, stream: true });
  let text = '';
  for await (const { choices } of stream) text += choices[0]?.text ?? '';
  t.equal(text, completion.text);
});

t.test('chats, streamed and parsed', async (t) => {
  const { client } = await connect(t);
  const answer = await client.chat.completions.create({ model, messages, temperature: 0 });
  t.equal(answer.choices[0]?.message.content, 'Paris');
  const stream = client.chat.completions.stream({
    model,
    messages,
    temperature: 0,
    logprobs: true,
  });
  const whole = await stream.finalChatCompletion();
  t.equal(whole.choices[0]?.message.content, 'Paris');
  t.ok((whole.choices[0]?.logprobs?.content?.length ?? 0) > 0);
  const schema = { type: 'object', properties: { n: { type: 'integer', minimum: 0, maximum: 9 } } };
  const format = {
    type: 'json_schema' as const,
    json_schema: { name: 'n', schema: { ...schema, required: ['n'], additionalProperties: false } },
  };
  const body = { model, messages, response_format: format, max_tokens: 100, temperature: 0 };
  const parsed = await client.chat.completions.parse(body);
  t.type((parsed.choices[0]?.message.parsed as { n: number } | null)?.n, 'number');
});

t.test('embeddings, which the client requests in base64', async (t) => {
  const file = await loadForm(t, 'Q8_0');
  const { lm, server } = await startServing(t, file);
  const input = ['The sky is blue', 'a lemon'];
  const { embeddings } = await lm.embed(input);
  const client = clientOf(server.url, 'none');
  for (const format of [undefined, 'float', 'base64'] as const) {
    const body = { model: 'Q8_0', input, ...(format && { encoding_format: format }) };
    const { data } = await client.embeddings.create(body);
    for (const [index, { embedding }] of data.entries()) {
      const text: unknown = embedding;
      const bytes = typeof text === 'string' ? Buffer.from(text, 'base64') : undefined;
      const floats = bytes
        ? Array.from(embeddings[index] ?? [], (_, position) => bytes.readFloatLE(position * 4))
        : embedding;
      t.same(Float32Array.from(floats), embeddings[index]);
    }
  }
});

t.test('models', async (t) => {
  const { client } = await connect(t);
  t.same(
    (await client.models.list()).data.map(({ id }) => id),
    ['default'],
  );
  t.equal((await client.models.retrieve('default')).object, 'model');
});

t.test('errors have the classes that users of the client catch', async (t) => {
  const { client } = await connect(t);
  const wrong = await refusal(client.completions.create({ model, prompt, max_tokens: -1 }));
  t.ok(wrong instanceof OpenAI.BadRequestError);
  t.match(wrong, { status: 400, param: 'max_tokens', code: 'invalid_value' });
  const type = 'invalid_request_error';
  t.match(wrong, { type, message: /Expected an integer .* for max_tokens, got -1/ });
  t.match(wrong.requestID, /^[\w-]+$/);
  const long = await refusal(client.completions.create({ model, prompt, max_tokens: 9999 }));
  t.match(long, { status: 400, code: 'context_length_exceeded' });
  const tools = [{ type: 'function' as const, function: { name: 'f', parameters: {} } }];
  const tooled = await refusal(client.chat.completions.create({ model, messages, tools }));
  t.match(tooled, { status: 400, param: 'tools', code: 'unknown_parameter' });
  const unknownModel = await refusal(client.completions.create({ model: 'gpt', prompt }));
  t.ok(unknownModel instanceof OpenAI.NotFoundError);
  const short = await refusal(client.embeddings.create({ model, input: 'a', dimensions: 8 }));
  t.match(short, { status: 400, param: 'dimensions' });
});

t.test('only requests with the API key are accepted', async (t) => {
  const file = await Model.load(defaultModelPath);
  t.teardown(() => file.close());
  const { server } = await startServing(t, file, { apiKey: 'sk-secret' });
  const body = { model, prompt, max_tokens: 1 };
  t.ok(await clientOf(server.url, 'sk-secret').completions.create(body));
  for (const key of ['sk-secre', 'sk-secrets', 'SK-SECRET', 'other']) {
    const refused = await refusal(clientOf(server.url, key).completions.create(body));
    t.ok(refused instanceof OpenAI.AuthenticationError);
    t.match(refused, { code: 'invalid_api_key', type: 'authentication_error' });
  }
  for (const path of ['/v1/models', '/tokenizer_info', '/nope', '/v1/completions']) {
    const refused = await fetch(server.url + path);
    t.equal(refused.status, 401);
    t.equal(refused.headers.get('www-authenticate'), 'Bearer');
  }
  t.equal((await fetch(`${server.url}/health`)).status, 200, 'health needs no key');
});
