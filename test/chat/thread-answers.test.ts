// The answers of a thread: what is generated and added to the messages; a call that fails or is
// aborted leaves them unchanged.

import { LMError } from 'autocog-lm';
import { Thread, type ThreadOptions } from 'autocog-lm/chat';
import t from 'tap';
import { failure } from '../support/failures.js';
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

t.test('send adds the question and the trimmed answer', async (t) => {
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

t.test('the stops of the format and of the call end the answer', async (t) => {
  const { thread } = threadOf(['one two three'], { format: { ...plain, stops: ['two'] } });
  t.equal(await thread.send('Count'), 'one');
  t.equal(await thread.send('Count', { stop: 'ne' }), 'o');
  t.equal(await thread.send('Count', { stop: ['x', 110, 100_000] }), 'o', '110 is the byte n');
  t.equal(await thread.send('Count', { maxTokens: 2 }), 'on');
});

t.test('an answer begins with the requested prefix', async (t) => {
  const { lm, thread } = threadOf([' why not?']);
  t.equal(await thread.send('May I?', { prefix: 'Sure, ' }), 'Sure, why not?');
  t.equal(lm.prompts[0], 'U: May I?\nB: Sure,');
  t.equal(thread.messages[1]?.content, 'Sure, why not?');
});

t.test('sendStream yields the answer as it is generated', async (t) => {
  const { thread } = threadOf(['Grüße 🏔!']);
  const stream = thread.sendStream('Hi');
  let text = '';
  for await (const chunk of stream) {
    text += chunk.text;
    t.notMatch(chunk.text, '\ufffd', 'chunks contain whole characters');
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

t.test('a stream that nobody reads is generated all the same', async (t) => {
  const { thread } = threadOf(['a', 'b']);
  thread.sendStream('1');
  t.equal(await thread.send('2'), 'b', 'calls run one at a time');
  t.same(contents(thread), ['1', 'a', '2', 'b']);
});

t.test('leaving the loop leaves the thread unchanged', async (t) => {
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

t.test('concurrent calls run one after the other', async (t) => {
  const { lm, thread } = threadOf(['1', '2', '3']);
  const answers = await Promise.all(['a', 'b', 'c'].map((text) => thread.send(text)));
  t.same(answers, ['1', '2', '3']);
  t.same(contents(thread), ['a', '1', 'b', '2', 'c', '3']);
  t.equal(lm.prompts[2], 'U: a\nB: 1\nU: b\nB: 2\nU: c\nB:');
});

t.test('a failure leaves the thread unchanged, and the next call works', async (t) => {
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
  t.same(await stream.next(), { done: true, value: undefined }, 'the error is thrown once');
  await other.lm.close();
  t.match(await failure(other.send('Hi')), { code: 'CLOSED' });
  t.same(other.messages, []);
});

t.test('an abort leaves the thread unchanged', async (t) => {
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
  t.equal(await failure(waiting), reason, 'also a queued call');
  t.same(thread.messages, []);
});

t.test('with stopOnAbort the partial answer is kept', async (t) => {
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

t.test('reroll regenerates the last answer', async (t) => {
  const { lm, thread } = threadOf(['one', 'two', new Error('no'), 'three']);
  await thread.send('Hi');
  t.equal(await thread.reroll(), 'two');
  t.same(contents(thread), ['Hi', 'two']);
  t.equal(lm.prompts[1], lm.prompts[0]);
  await failure(thread.reroll());
  t.same(contents(thread), ['Hi', 'two'], 'the old answer stays if regeneration fails');
  thread.addMessage('user', 'And?');
  t.equal(
    await thread.reroll({ prefix: 'th' }),
    'th' + 'three',
    'an unanswered question is answered',
  );
  t.same(contents(thread), ['Hi', 'two', 'And?', 'ththree']);
});

t.test('summarize generates a summary and leaves the thread unchanged', async (t) => {
  const { lm, thread } = threadOf(['Hello', 'A greeting.'], { system: 'S' });
  await thread.send('Hi');
  t.equal(await thread.summarize(), 'A greeting.');
  t.match(lm.prompts[1], /^U: Summarize .*\n\nuser: Hi\nbot: Hello\nB:$/s);
  t.same(contents(thread), ['S', 'Hi', 'Hello']);
});

t.test('maxTokens is checked when it is used, and the sampler may have a limit, too', async (t) => {
  const { thread } = threadOf(['a long answer'], { sampler: { temperature: 0, maxTokens: 3 } });
  t.equal(await thread.send('Hi'), 'a l');
  t.equal(await thread.send('Hi', { maxTokens: 6 }), 'a long', 'a call overrides it');
  thread.maxTokens = 1;
  t.equal(await thread.send('Hi'), 'a');
  thread.maxTokens = 0;
  t.match(await failure(thread.send('Hi')), { code: 'OUT_OF_RANGE' });
});
