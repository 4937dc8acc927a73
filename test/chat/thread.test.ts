// The state of a thread: its options, its messages, reset, and its JSON.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SamplerSettings } from 'autocog-lm';
import { formats, Message, Thread, type ThreadOptions } from 'autocog-lm/chat';
import t from 'tap';
import { failure, wrongKind, wrongSize } from '../support/failures.js';
import { ScriptedLM } from '../support/scripted-lm.mjs';

const plain = {
  systemPrefix: 'S: ',
  systemSuffix: '\n',
  userPrefix: 'U: ',
  userSuffix: '\n',
  botPrefix: 'B: ',
  botSuffix: '\n',
} as const;

const threadOf = (
  answers: readonly (string | Error)[],
  options: ThreadOptions = {},
  lm = new ScriptedLM(answers),
) => ({ lm, thread: new Thread(lm, { format: plain, ...options }) });

const contents = (thread: Thread): string[] => thread.messages.map(({ content }) => content);

t.test('a thread exposes its settings', async (t) => {
  const { lm, thread } = threadOf(['x'], { sampler: { temperature: 0 }, maxTokens: 9 });
  t.equal(thread.lm, lm);
  t.equal(thread.model, undefined, 'an LM written in TypeScript has none');
  t.equal(thread.format?.userPrefix, 'U: ');
  t.equal(thread.template, undefined);
  t.ok(thread.sampler instanceof SamplerSettings);
  t.match(thread.sampler, { temperature: 0, topK: 40 });
  t.equal(thread.maxTokens, 9);
  t.same(thread.messages, []);
  t.equal(thread.asString(), '');
  t.equal(await thread.lenMessages(), 0);
});

t.test('messages get the prefix and postfix of the format', async (t) => {
  const { thread } = threadOf(['x']);
  const created = thread.createMessage('BOT', 'Yes');
  t.ok(created instanceof Message);
  t.same({ ...created }, { role: 'bot', prefix: 'B: ', content: 'Yes', postfix: '\n' });
  t.same(thread.messages, []);
  t.equal(thread.addMessage('User', 'Really?'), thread.messages[0]);
  thread.messages.push(created);
  t.equal(thread.asString(), 'U: Really?\nB: Yes\n');
  t.equal(await thread.lenMessages(), thread.asString().length, 'a token is a byte here');
  t.equal(await thread.length(), await thread.lenMessages());
  t.equal(thread.removeLast(), created);
  t.equal(thread.messages.length, 1);
  thread.removeLast();
  t.equal(thread.removeLast(), undefined);
  t.throws(
    () => thread.addMessage('robot', 'x'),
    wrongKind("one of 'system', 'user', 'bot'", 'role', '"robot"'),
  );
});

t.test("a caller's own messages are used as they are, or rejected if invalid", async (t) => {
  const { lm, thread } = threadOf(['ok']);
  thread.messages.push({ role: 'Assistant', content: 'Hi' } as unknown as Message);
  thread.messages.push(new Message('user', 'Hm', { prefix: '<', postfix: '>' }));
  t.equal(await thread.send('Well'), 'ok');
  t.equal(lm.prompts[0], 'B: Hi\n<Hm>U: Well\nB:');
  thread.messages.push({ role: 'user' } as Message);
  t.match(
    await failure(thread.send('x')),
    wrongKind('a string', 'messages[4].content', 'undefined'),
  );
  thread.messages[4] = null as unknown as Message;
  t.throws(
    () => thread.asString(),
    wrongKind('an object with role and content', 'messages[4]', 'null'),
  );
});

t.test("the option system replaces the format's system message", async (t) => {
  const first = (options: ThreadOptions) => {
    const { messages } = new Thread(new ScriptedLM(['x']), options);
    return messages.map(({ role, content }) => `${role}: ${content}`);
  };
  t.same(first({ format: 'naberius' }), ['system: You are Naberius.']);
  t.same(first({ format: 'naberius', system: 'You are I.' }), ['system: You are I.']);
  t.same(first({ format: 'naberius', system: '' }), []);
  t.same(first({ format: formats.chatml }), []);
  t.same(first({ format: 'orca_mini', messages: [{ role: 'bot', content: 'Hello' }] }), [
    `system: ${formats.orcaMini.systemPrompt}`,
    'bot: Hello',
  ]);
  t.same(first({ format: { system_prompt: 'snake', stops: [] } as object }), ['system: snake']);
});

t.test('invalid options are rejected', async (t) => {
  const lm = new ScriptedLM(['x']);
  const make = (options: object) => () => new Thread(lm, options);
  const template = '{{ messages[0].content }}';
  t.throws(
    make({ format: 'blank', template }),
    wrongKind('undefined (format is set)', 'template', JSON.stringify(template)),
  );
  t.throws(
    make({ format: 'vikuna' }),
    wrongKind('the name of a known format', 'format', '"vikuna"'),
  );
  t.throws(make({ format: 7 }), wrongKind('an object', 'format', '7'));
  t.throws(make({ format: { userPrefix: 1 } }), wrongKind('a string', 'format.userPrefix', '1'));
  t.throws(make({ format: { prefix: '' } }), {
    code: 'INVALID_ARGUMENT',
    message: /got "prefix"$/,
  });
  t.throws(make({ format: { stops: 'x' } }), wrongKind('an array', 'format.stops', '"x"'));
  t.throws(
    make({ format: { stops: [''] } }),
    wrongSize('a string of at least one character', 'format.stops[0]', '""'),
  );
  t.throws(make({ format: { stops: [-1] } }), wrongSize('a token id', 'format.stops[0]', '-1'));
  t.throws(
    make({ format: 'blank', messages: [{ role: 'x', content: '' }] }),
    wrongKind("one of 'system', 'user', 'bot'", 'messages[0].role', '"x"'),
  );
  t.throws(make({ format: 'blank', messages: 'Hi' }), { code: 'INVALID_ARGUMENT' });
  t.throws(make({ format: 'blank', maxTokens: 0 }), { code: 'OUT_OF_RANGE' });
  t.throws(make({ format: 'blank', sampler: { temperature: -1 } }), { code: 'OUT_OF_RANGE' });
  t.throws(make({ format: 'blank', sampler: { temp: 1 } }), { code: 'INVALID_ARGUMENT' });
  t.throws(make({ format: 'blank', mergeSystem: 1 }), wrongKind('a boolean', 'mergeSystem', '1'));
  t.throws(make({ format: 'blank', formt: 1 }), {
    code: 'INVALID_ARGUMENT',
    message: /got "formt" \(did you mean 'format'\?\)$/,
  });
  t.throws(() => new Thread({} as ScriptedLM, {}), wrongKind('an LM', 'lm', 'an object'));
  const { thread } = threadOf(['x']);
  t.throws(() => thread.sendStream(7 as unknown as string), wrongKind('a string', 'prompt', '7'));
  t.throws(() => thread.sendStream('x', { prfix: '' } as object), { code: 'INVALID_ARGUMENT' });
  t.match(await failure(thread.send('x', { stop: '' })), { code: 'OUT_OF_RANGE' });
  t.match(await failure(thread.printStats({ file: {} as NodeJS.WriteStream })), {
    code: 'INVALID_ARGUMENT',
  });
  t.same(thread.messages, []);
});

t.test('a thread needs a format or a template', async (t) => {
  t.throws(() => new Thread(new ScriptedLM(['x'])), {
    name: 'NotSupportedError',
    message: 'The model has no chat template: set the option format or template',
  });
});

t.test('reset restores the initial messages', async (t) => {
  const initial = [{ role: 'user', content: 'Hi' }];
  const { thread } = threadOf(['x'], { system: 'S', messages: initial });
  await thread.send('more');
  thread.messages[0] = thread.createMessage('system', 'changed');
  thread.reset();
  t.same(contents(thread), ['S', 'Hi']);
  const slow = threadOf([], {}, new ScriptedLM(['some answer'], { delay: 2 }));
  const sending = slow.thread.send('Hi');
  await sleep(6);
  slow.thread.reset();
  t.equal(await sending, 'some answer');
  t.same(slow.thread.messages, [], 'a pending answer is not added');
});

t.test('printStats prints the context usage', async (t) => {
  const printed = async (thread: Thread): Promise<string> => {
    const parts: string[] = [];
    await thread.printStats({ file: { write: (part: string) => parts.push(part) > 0 } });
    return parts.join('');
  };
  const lm = new ScriptedLM(['x'], { contextSize: 8192 });
  const { thread } = threadOf([], { messages: [{ role: 'user', content: 'x'.repeat(439) }] }, lm);
  t.equal(await printed(thread), '443 / 8192 tokens\n5% of context used\n1 message\n');
  thread.addMessage('bot', '');
  t.equal(await printed(thread), '447 / 8192 tokens\n5% of context used\n2 messages\n');
  t.equal(await printed(threadOf(['x']).thread), '0 tokens\n0 messages\n');
});

t.test('a thread survives a round trip through JSON', async (t) => {
  const template = readFileSync('llama.cpp/models/templates/Qwen-Qwen3-0.6B.jinja', 'utf8');
  for (const options of [
    { format: plain, system: 'S', maxTokens: 7 },
    { template, mergeSystem: true, sampler: { temperature: 0 } },
    { format: 'orca_mini' },
  ]) {
    const { thread, lm } = threadOf(['answer'], { format: undefined, ...options });
    await thread.send('Grüße');
    const text = JSON.stringify(thread);
    const copy = Thread.fromJSON(lm, text);
    t.equal(JSON.stringify(copy), text);
    t.equal(copy.asString(), thread.asString());
    t.equal(await copy.inferenceString(), await thread.inferenceString());
    thread.reset();
    Thread.fromJSON(lm, thread.toJSON()).reset();
    copy.reset();
    t.same(copy.messages, thread.messages);
  }
  const lm = new ScriptedLM(['x']);
  const sampler = { temperature: Infinity, logitBias: { 7: -Infinity, 9: 1 }, seed: 3 };
  const copy = Thread.fromJSON(lm, JSON.stringify(new Thread(lm, { format: 'blank', sampler })));
  t.same(copy.sampler, new SamplerSettings(sampler), 'infinite numbers included');
  t.throws(() => Thread.fromJSON(lm, '{"format":"blank","sampler":{"topP":2}}'), {
    code: 'OUT_OF_RANGE',
  });
  t.throws(() => Thread.fromJSON(lm, '{'), SyntaxError);
  t.throws(() => Thread.fromJSON(lm, '7'), wrongKind('an object', 'value', '7'));
  t.throws(() => Thread.fromJSON(lm, '{"format":"x"}'), { code: 'INVALID_ARGUMENT' });
  t.throws(() => Thread.fromJSON(lm, '{"format":"blank"}'), {
    message: 'Expected an array of messages for messages, got undefined',
  });
});
