// Threads with chat templates: what a template may do with messages, and what is rejected.

import { readFileSync } from 'node:fs';
import { Thread, type ThreadOptions } from 'autocog-lm/chat';
import t from 'tap';
import { failure } from '../support/failures.js';
import { ScriptedLM } from '../support/scripted-lm.mjs';

const threadOf = (
  answers: readonly (string | Error)[],
  options: ThreadOptions = {},
  lm = new ScriptedLM(answers),
) => ({ lm, thread: new Thread(lm, options) });

const contents = (thread: Thread): string[] => thread.messages.map(({ content }) => content);

const gemma = readFileSync('llama.cpp/models/templates/google-gemma-2-2b-it.jinja', 'utf8');

t.test(
  'a template may reject system messages; mergeSystem merges them into user messages',
  async (t) => {
    const rejecting = threadOf(['x'], { template: gemma, system: 'Be brief' });
    t.match(await failure(rejecting.thread.send('Hi')), {
      code: 'NOT_SUPPORTED',
      message:
        /rejects these messages: System role not supported; the option mergeSystem \(--merge-system\) merges system messages into user messages$/,
    });
    t.same(contents(rejecting.thread), ['Be brief']);
    const { lm, thread } = threadOf(['ok'], {
      template: gemma,
      system: 'Be brief',
      mergeSystem: true,
    });
    await thread.send('Hi');
    thread.addMessage('system', 'In French');
    await thread.send('Bye');
    const first = '<start_of_turn>user\nBe brief\nHi<end_of_turn>\n<start_of_turn>model\n';
    t.equal(lm.prompts[0], first);
    t.equal(
      lm.prompts[1],
      `${first}ok<end_of_turn>\n<start_of_turn>user\nIn French\nBye<end_of_turn>\n<start_of_turn>model\n`,
    );
    t.same(
      contents(thread),
      ['Be brief', 'Hi', 'ok', 'In French', 'Bye', 'ok'],
      'the thread keeps them unmerged',
    );
  },
);

t.test('a template that drops messages is an error', async (t) => {
  const template =
    "{% for m in messages %}{% if m.role == 'user' %}<{{ m.content | trim }}>{% endif %}{% endfor %}";
  const { thread } = threadOf(['x'], { template, system: 'S' });
  t.match(await failure(thread.send('Hi')), {
    code: 'NOT_SUPPORTED',
    message:
      'The chat template drops system messages; the option mergeSystem (--merge-system) merges system messages into user messages',
  });
  thread.messages.length = 0;
  t.equal(await thread.send('  Hi  '), 'x');
  t.match(await failure(thread.send('Hm')), { message: /drops bot messages$/ });
});

t.test(
  'a template may transform contents as long as they can be located in its text',
  async (t) => {
    const prompts = async (template: string, ...contents: string[]): Promise<string> => {
      const { lm, thread } = threadOf(['x'], { template });
      for (const content of contents) await thread.send(content);
      return lm.prompts.at(-1) as string;
    };
    const each = (expression: string): string =>
      `{% for m in messages %}[{{ ${expression} }}]{% endfor %}`;
    t.equal(await prompts(each('m.content | upper'), 'straße'), '[STRASSE]');
    t.equal(await prompts(each('m.content ~ m.content'), ' ab '), '[ ab  ab ]');
    t.equal(await prompts(each('m.content | trim'), '\n ab\n'), '[ab]');
    t.equal(await prompts(each("m.content.split('|')[0]"), 'ab'), '[ab]');
    t.equal(await prompts(each('m.content'), ''), '[]');
    const reserved = '\ue000\ue0011\ue002 \uf8ff';
    t.equal(await prompts(each('m.content'), reserved, 'b'), `[${reserved}][x][b]`);
    for (const expression of ['m.content[:2]', "'long' if m.content | length > 6 else m.content"]) {
      t.match(await failure(prompts(each(expression), 'abcdef')), {
        name: 'NotSupportedError',
        message: /changes message contents so that they cannot be told apart from its own text$/,
      });
    }
    const decided = each("'!' ~ m.content if m.content.startswith('a') else m.content");
    t.equal(await prompts(decided, 'abc'), '[abc]', 'the branch on the first letter is lost');
    const all = Array.from({ length: 6400 }, (_, index) => String.fromCharCode(0xe000 + index));
    t.match(await failure(prompts(each('m.content'), all.join(''))), {
      name: 'NotSupportedError',
      message: 'The messages use every private-use character; three must be free',
    });
  },
);

t.test('reasoning is left out if the template leaves it out', async (t) => {
  const template = readFileSync('llama.cpp/models/templates/Qwen-Qwen3-0.6B.jinja', 'utf8');
  const { lm, thread } = threadOf(['<think>\nHm.\n</think>\n\nYes', 'No'], {
    template,
  });
  await thread.send('May I?');
  t.equal(thread.messages[1]?.content, '<think>\nHm.\n</think>\n\nYes');
  await thread.send('Now?');
  t.match(lm.prompts[1], '<|im_start|>assistant\nYes<|im_end|>');
  t.notMatch(lm.prompts[1], 'Hm.');
});
