// Thread: what a conversation keeps, what it prompts with, and what becomes of it when a call
// fails.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LMError, SamplerSettings } from 'autocog-lm';
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

t.test('send adds the question and the answer, without spaces around it', async (t) => {
  const { lm, thread } = threadOf([' Hello! \n', ' Fine.'], { system: 'Be brief' });
  t.equal(await thread.send('Hi'), 'Hello!');
  t.equal(await thread.send('How are you?'), 'Fine.');
  t.same(contents(thread), ['Be brief', 'Hi', 'Hello!', 'How are you?', 'Fine.']);
  t.same(lm.prompts, [
    'S: Be brief\nU: Hi\nB:',
    'S: Be brief\nU: Hi\nB: Hello!\nU: How are you?\nB:',
  ]);
  t.equal(thread.asString(), `${lm.prompts[1]} Fine.\n`);
});

t.test('a thread tells what it is made of', async (t) => {
  const { lm, thread } = threadOf(['x'], { sampler: { temperature: 0 }, maxTokens: 9 });
  t.equal(thread.lm, lm);
  t.equal(thread.model, undefined, 'an LM in TypeScript has none');
  t.equal(thread.format?.userPrefix, 'U: ');
  t.equal(thread.template, undefined);
  t.ok(thread.sampler instanceof SamplerSettings);
  t.match(thread.sampler, { temperature: 0, topK: 40 });
  t.equal(thread.maxTokens, 9);
  t.same(thread.messages, []);
  t.equal(thread.asString(), '');
  t.equal(await thread.lenMessages(), 0);
});

t.test('messages take what the format has around them, and are added or not', async (t) => {
  const { thread } = threadOf(['x']);
  const made = thread.createMessage('BOT', 'Yes');
  t.ok(made instanceof Message);
  t.same({ ...made }, { role: 'bot', prefix: 'B: ', content: 'Yes', postfix: '\n' });
  t.same(thread.messages, []);
  t.equal(thread.addMessage('User', 'Really?'), thread.messages[0]);
  thread.messages.push(made);
  t.equal(thread.asString(), 'U: Really?\nB: Yes\n');
  t.equal(await thread.lenMessages(), thread.asString().length, 'a token is a byte here');
  t.equal(await thread.length(), await thread.lenMessages());
  t.equal(thread.removeLast(), made);
  t.equal(thread.messages.length, 1);
  thread.removeLast();
  t.equal(thread.removeLast(), undefined);
  t.throws(
    () => thread.addMessage('robot', 'x'),
    wrongKind("one of 'system', 'user', 'bot'", 'role', '"robot"'),
  );
});

t.test('messages that a caller puts there are taken as they are, or refused', async (t) => {
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

t.test('a format has a system message of its own, which system replaces', async (t) => {
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

t.test('options that are not what their comments say are refused', async (t) => {
  const lm = new ScriptedLM(['x']);
  const make = (options: object) => () => new Thread(lm, options);
  const template = '{{ messages[0].content }}';
  t.throws(
    make({ format: 'blank', template }),
    wrongKind('nothing, beside format,', 'template', JSON.stringify(template)),
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
    message: /got "formt"$/,
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

t.test('without a format or a template there is no thread', async (t) => {
  t.throws(() => new Thread(new ScriptedLM(['x'])), {
    name: 'NotSupportedError',
    message: 'The model has no chat template: a thread with it needs the option format or template',
  });
});

t.test('the stops of the format and of the call end the answer', async (t) => {
  const { thread } = threadOf(['one two three'], { format: { ...plain, stops: ['two'] } });
  t.equal(await thread.send('Count'), 'one');
  t.equal(await thread.send('Count', { stop: 'ne' }), 'o');
  t.equal(await thread.send('Count', { stop: ['x', 110, 100_000] }), 'o', '110 is the byte n');
  t.equal(await thread.send('Count', { maxTokens: 2 }), 'on');
});

t.test('an answer begins with what it is told to', async (t) => {
  const { lm, thread } = threadOf([' why not?']);
  t.equal(await thread.send('May I?', { prefix: 'Sure, ' }), 'Sure, why not?');
  t.equal(lm.prompts[0], 'U: May I?\nB: Sure,');
  t.equal(thread.messages[1]?.content, 'Sure, why not?');
});

t.test('sendStream hands out the answer as it is written', async (t) => {
  const { thread } = threadOf(['Grüße 🏔!']);
  const stream = thread.sendStream('Hi');
  let text = '';
  for await (const chunk of stream) {
    text += chunk.text;
    t.notMatch(chunk.text, '\ufffd', 'characters are whole');
    t.same(thread.messages, [], 'nothing is added before the end');
  }
  t.equal(text, 'Grüße 🏔!');
  const { message, completion, droppedMessages } = await stream.reply;
  t.equal(message, thread.messages[1]);
  t.match(completion, { text: 'Grüße 🏔!', stopReason: 'eog' });
  t.equal(droppedMessages, 0);
  t.same(contents(thread), ['Hi', 'Grüße 🏔!']);
  t.same(await stream.next(), { done: true, value: undefined });
});

t.test('a stream that nobody reads is written all the same', async (t) => {
  const { thread } = threadOf(['a', 'b']);
  thread.sendStream('1');
  t.equal(await thread.send('2'), 'b', 'calls run in turn');
  t.same(contents(thread), ['1', 'a', '2', 'b']);
});

t.test('whoever leaves the loop leaves the thread as it was', async (t) => {
  const lm = new ScriptedLM(['A long answer', 'short'], { delay: 2 });
  const { thread } = threadOf([], { system: 'S' }, lm);
  const stream = thread.sendStream('Hi');
  for await (const chunk of stream) {
    t.equal(chunk.text, 'A');
    break;
  }
  t.same(contents(thread), ['S']);
  t.match(await failure(stream.reply), { name: 'AbortError' });
  t.equal(await thread.send('And now?'), 'short');
});

t.test('calls at the same time run one after the other', async (t) => {
  const { lm, thread } = threadOf(['1', '2', '3']);
  const answers = await Promise.all(['a', 'b', 'c'].map((text) => thread.send(text)));
  t.same(answers, ['1', '2', '3']);
  t.same(contents(thread), ['a', '1', 'b', '2', 'c', '3']);
  t.equal(lm.prompts[2], 'U: a\nB: 1\nU: b\nB: 2\nU: c\nB:');
});

t.test('a failure leaves the thread as it was, and the next call works', async (t) => {
  const { thread } = threadOf(['fine', new Error('no power'), 'again']);
  await thread.send('1');
  const before = contents(thread);
  const [failed, next] = [failure(thread.send('2')), thread.send('3')];
  t.match(await failed, { code: 'RETRIES_EXHAUSTED', message: /no power/ });
  t.equal(await next, 'again');
  t.same(contents(thread), [...before, '3', 'again']);
  const { thread: other } = threadOf([new LMError('x', { code: 'NOT_SUPPORTED' })]);
  const stream = other.sendStream('Hi');
  t.match(await failure(stream.next()), { code: 'NOT_SUPPORTED' });
  t.same(await stream.next(), { done: true, value: undefined }, 'told once');
  await other.lm.close();
  t.match(await failure(other.send('Hi')), { code: 'CLOSED' });
  t.same(other.messages, []);
});

t.test('an abort leaves the thread as it was', async (t) => {
  const lm = new ScriptedLM(['An answer of some length'], { delay: 2 });
  const { thread } = threadOf([], {}, lm);
  const reason = new Error('enough');
  t.equal(await failure(thread.send('Hi', { signal: AbortSignal.abort(reason) })), reason);
  t.same(lm.prompts, []);
  const controller = new AbortController();
  const sending = thread.send('Hi', { signal: controller.signal });
  const waiting = thread.send('Me too', { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 12);
  t.equal(await failure(sending), reason);
  t.equal(await failure(waiting), reason, 'also one that waits for its turn');
  t.same(thread.messages, []);
});

t.test('with stopOnAbort what was written until then is the answer', async (t) => {
  const lm = new ScriptedLM(['An answer of some length'], { delay: 2 });
  const { thread } = threadOf([], {}, lm);
  const controller = new AbortController();
  const { signal } = controller;
  const stream = thread.sendStream('Hi', { signal, stopOnAbort: true });
  for await (const { text } of stream) if (text === 's') controller.abort();
  const { message, completion } = await stream.reply;
  t.equal(completion.stopReason, 'abort');
  t.ok('An answer of some length'.startsWith(message.content) && message.content.length < 20);
  t.same(contents(thread), ['Hi', message.content]);
});

t.test('reroll has the last answer written again', async (t) => {
  const { lm, thread } = threadOf(['one', 'two', new Error('no'), 'three']);
  await thread.send('Hi');
  t.equal(await thread.reroll(), 'two');
  t.same(contents(thread), ['Hi', 'two']);
  t.equal(lm.prompts[1], lm.prompts[0]);
  await failure(thread.reroll());
  t.same(contents(thread), ['Hi', 'two'], 'the old answer stays when there is no new one');
  thread.addMessage('user', 'And?');
  t.equal(await thread.reroll({ prefix: 'th' }), 'th' + 'three', 'a question waits for an answer');
  t.same(contents(thread), ['Hi', 'two', 'And?', 'ththree']);
});

t.test('reset goes back to the beginning', async (t) => {
  const begin = [{ role: 'user', content: 'Hi' }];
  const { thread } = threadOf(['x'], { system: 'S', messages: begin });
  await thread.send('more');
  thread.messages[0] = thread.createMessage('system', 'changed');
  thread.reset();
  t.same(contents(thread), ['S', 'Hi']);
  const slow = threadOf([], {}, new ScriptedLM(['some answer'], { delay: 2 }));
  const sending = slow.thread.send('Hi');
  await sleep(6);
  slow.thread.reset();
  t.equal(await sending, 'some answer');
  t.same(slow.thread.messages, [], 'an answer in the making is not added');
});

t.test('summarize asks for a summary and keeps nothing of it', async (t) => {
  const { lm, thread } = threadOf(['Hello', 'A greeting.'], { system: 'S' });
  await thread.send('Hi');
  t.equal(await thread.summarize(), 'A greeting.');
  t.match(lm.prompts[1], /^U: Summarize .*\n\nuser: Hi\nbot: Hello\nB:$/s);
  t.same(contents(thread), ['S', 'Hi', 'Hello']);
});

t.test('printStats tells how full the context is', async (t) => {
  const told = async (thread: Thread): Promise<string> => {
    const parts: string[] = [];
    await thread.printStats({ file: { write: (part: string) => parts.push(part) > 0 } });
    return parts.join('');
  };
  const lm = new ScriptedLM(['x'], { contextSize: 8192 });
  const { thread } = threadOf([], { messages: [{ role: 'user', content: 'x'.repeat(439) }] }, lm);
  t.equal(await told(thread), '443 / 8192 tokens\n5% of context used\n1 message\n');
  thread.addMessage('bot', '');
  t.equal(await told(thread), '447 / 8192 tokens\n5% of context used\n2 messages\n');
  t.equal(await told(threadOf(['x']).thread), '0 tokens\n0 messages\n');
});

t.test('a thread is JSON, and comes back from it', async (t) => {
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
  t.same(copy.sampler, new SamplerSettings(sampler), 'infinite numbers and all');
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

t.test('a limit that is set later is checked, and the sampler may have one', async (t) => {
  const { thread } = threadOf(['a long answer'], { sampler: { temperature: 0, maxTokens: 3 } });
  t.equal(await thread.send('Hi'), 'a l');
  t.equal(await thread.send('Hi', { maxTokens: 6 }), 'a long', 'a call says otherwise');
  thread.maxTokens = 1;
  t.equal(await thread.send('Hi'), 'a');
  thread.maxTokens = 0;
  t.match(await failure(thread.send('Hi')), { code: 'OUT_OF_RANGE' });
});
