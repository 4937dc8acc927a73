// How a thread truncates a history to the context: the system message and the latest exchanges
// stay; whole exchanges are dropped, oldest first, and no more than necessary.

import { formats, Thread } from 'autocog-lm/chat';
import fc from 'fast-check';
import t from 'tap';
import { failure } from '../support/failures.js';
import { ScriptedLM } from '../support/scripted-lm.mjs';

interface Utterance {
  role: string;
  content: string;
}

/** The length of a content. */
const content = fc.nat({ max: 60 });

/** Exchanges of one or two questions and one or two answers; the latest is unanswered. */
const history = fc
  .record({
    system: fc.option(content, { nil: undefined }),
    exchanges: fc.array(
      fc.record({
        questions: fc.array(content, { minLength: 1, maxLength: 2 }),
        answers: fc.array(content, { minLength: 1, maxLength: 2 }),
      }),
      { maxLength: 8 },
    ),
    latest: content,
  })
  .map(({ system, exchanges, latest }) => {
    let number = 0;
    const say = (role: string, length: number): Utterance => ({
      role,
      content: `${++number}.${'x'.repeat(length)}`,
    });
    const groups = exchanges.map(({ questions, answers }) => [
      ...questions.map((length) => say('user', length)),
      ...answers.map((length) => say('bot', length)),
    ]);
    return {
      system: system === undefined ? [] : [say('system', system)],
      groups: [...groups, [say('user', latest)]],
    };
  });

t.test(
  'the prompt always fits, keeps what it must, and drops no more than necessary',
  async (t) => {
    const sizes = { contextSize: fc.integer({ min: 150, max: 900 }) };
    const limits = { maxTokens: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 400 })) };
    await fc.assert(
      fc.asyncProperty(history, fc.record({ ...sizes, ...limits }), async (given, budget) => {
        const { contextSize, maxTokens } = budget;
        const lm = new ScriptedLM(['x'], { contextSize });
        const prompt = (groups: Utterance[][]): Promise<string> => {
          const all = new ScriptedLM(['x']);
          const messages = [...given.system, ...groups.flat()];
          return new Thread(all, { format: 'chatml', messages }).inferenceString();
        };
        const messages = [...given.system, ...given.groups.flat()];
        const thread = new Thread(lm, { format: 'chatml', messages, maxTokens });
        const requested = maxTokens === Infinity ? Math.floor(contextSize / 4) : maxTokens;
        const reserved = Math.max(1, Math.min(requested, Math.floor(contextSize / 2)));
        const shortest = await prompt(given.groups.slice(-1));
        if (shortest.length >= contextSize) {
          t.match(await failure(thread.inferenceTokens()), { code: 'CONTEXT_OVERFLOW' });
          return;
        }
        let expected = shortest;
        for (let count = given.groups.length; count > 0; count--) {
          expected = await prompt(given.groups.slice(-count));
          if (expected.length <= contextSize - reserved) break;
        }
        t.equal(await thread.inferenceString(), expected);
        t.equal((await thread.inferenceTokens()).length, expected.length, 'a token is a byte here');
        t.same(thread.messages.length, messages.length, 'the thread itself keeps everything');
      }),
      { numRuns: 150 },
    );
  },
);

t.test('send reports how many messages were dropped, and leaves room for the answer', async (t) => {
  const lm = new ScriptedLM(['y'.repeat(1000)], { contextSize: 400 });
  const thread = new Thread(lm, { format: 'chatml', system: 'S' });
  const dropped: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    const { completion, droppedMessages } = await thread.sendStream(`q${turn}`).reply;
    dropped.push(droppedMessages);
    t.equal(completion.stopReason, 'length');
    const { promptTokens } = completion.usage;
    t.equal(promptTokens + completion.tokens.length, 400, 'the answer fills the context');
  }
  t.equal(dropped[0], 0);
  t.ok((dropped[3] as number) > 0);
  t.equal(thread.messages.length, 9);
});

t.test('a message that is too long by itself is an overflow, and is not kept', async (t) => {
  const lm = new ScriptedLM(['ok'], { contextSize: 100 });
  const thread = new Thread(lm, { format: 'chatml' });
  t.match(await failure(thread.send('x'.repeat(60))), {
    name: 'ContextOverflowError',
    message:
      'The latest messages take 110 tokens, which leaves no room for an answer in the context of 100',
  });
  t.same(thread.messages, []);
  t.equal(await thread.send('x'), 'ok');
});

t.test('a system message within the conversation belongs to its exchange', async (t) => {
  const messages = [
    { role: 'user', content: 'a'.repeat(60) },
    { role: 'bot', content: 'b' },
    { role: 'system', content: 'c' },
    { role: 'user', content: 'd' },
  ];
  const lm = new ScriptedLM(['x'], { contextSize: 200 });
  const thread = new Thread(lm, { format: formats.chatml, messages });
  t.match(await thread.inferenceString(), /^<\|im_start\|>system\nc<.*user\nd</s);
});
