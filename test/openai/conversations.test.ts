// OpenAI answers conversations through the chat API: of a real server, which renders them with its
// own template, and of one that records requests.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defaultModelPath, Model } from 'autocog-lm';
import { OpenAI } from 'autocog-lm/openai';
import t from 'tap';
import { startServing } from '../serve/serving.js';
import { failure } from '../support/failures.js';

const question = [
  { role: 'user', content: 'What is the capital of France?' },
  { role: 'assistant', content: 'Paris' },
  { role: 'User', content: 'What is the capital of Italy?' },
];

t.test('a server answers a conversation as the model in process does', async (t) => {
  const model = await Model.load(defaultModelPath);
  t.teardown(() => model.close());
  const { server } = await startServing(t, model, { alias: 'default' });
  const connect = (options = {}) =>
    new OpenAI({ model: 'default', baseURL: `${server.url}/v1`, ...options });
  await using lm = connect();
  const { text, stopReason, tokens } = await lm.completeChat(question);
  t.equal(text, 'Rome');
  t.equal(stopReason, 'eog');
  t.equal(tokens.length, (await lm.tokenize('Rome', { continuation: true })).length);

  const stream = lm.streamChat(question, { maxTokens: 8 });
  let streamed = '';
  for await (const chunk of stream) streamed += chunk.text;
  t.equal(streamed, 'Rome');
  t.equal((await stream.completion).text, 'Rome');
  t.equal((await lm.completeChat(question, { onToken: () => false })).stopReason, 'callback');

  t.ok(lm.answersChats);
  await using plain = connect({ api: 'completions' });
  t.notOk(plain.answersChats);
  const refused = { name: 'NotSupportedError', message: /need the option api 'chat' or 'auto'/ };
  await t.rejects(plain.completeChat(question), refused);
  t.throws(() => plain.streamChat(question), refused);
});

t.test('messages are sent as they are, after the system prompt if they have none', async (t) => {
  const bodies: { messages: unknown }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (part) => {
      text += part;
    });
    request.on('end', () => {
      bodies.push(JSON.parse(text));
      const choices = [{ index: 0, message: { content: 'ok' }, finish_reason: 'stop' }];
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ choices }));
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  await using lm = new OpenAI({
    model: 'm',
    baseURL: `http://127.0.0.1:${port}/v1`,
    api: 'chat',
    systemPrompt: 'Be brief.',
    encoding: 'o200k_base',
  });
  const user = { role: 'user', content: 'Grüß dich 🌍' };
  await lm.completeChat([user]);
  await lm.completeChat([{ role: 'SYSTEM', content: '' }, user]);
  await lm.completeChat([{ role: 'bot', content: '\ud800' }]);
  const brief = { role: 'system', content: 'Be brief.' };
  t.same(
    bodies.map(({ messages }) => messages),
    [
      [brief, user],
      [{ role: 'system', content: '' }, user],
      [brief, { role: 'assistant', content: '\ufffd' }],
    ],
  );
});

t.test('what is no conversation is rejected before a request is sent', async (t) => {
  await using lm = new OpenAI({ model: 'm', baseURL: 'http://127.0.0.1:1/v1' });
  const wrong = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
  for (const messages of [undefined, 'Hello', {}, [null], ['Hello'], [{ role: 'user' }]]) {
    await t.rejects(lm.completeChat(messages as never), wrong);
  }
  await t.rejects(lm.completeChat([{ role: 'robot', content: 'x' }]), wrong);
  await t.rejects(lm.completeChat([{ role: 'user', content: 3 as never }]), {
    ...wrong,
    message: 'Expected a string for messages[0].content, got 3',
  });
  await t.rejects(lm.completeChat([]), { name: 'RangeError', code: 'OUT_OF_RANGE' });
  await t.rejects(lm.completeChat(question, { maxTokens: 0 }), { name: 'RangeError' });
  const signal = AbortSignal.abort(new Error('enough'));
  await t.rejects(lm.completeChat(question, { signal }), { message: 'enough' });
  t.match(await failure(lm.completeChat(question, { grammar: 'root ::= "a"' })), {
    code: 'NOT_SUPPORTED',
  });
});
