// A model's own chat template: the text that it makes of a conversation, and how it fails.
// llama.cpp's own test of its template engine says what dozens of models' templates make.

import { readdirSync, readFileSync } from 'node:fs';
import { ChatTemplate, type TemplateMessage } from 'autocog-lm/chat';
import t from 'tap';
import { conversation, templateCases } from './llama-cpp-templates.js';

const [system, user, ...others] = conversation;

/** What llama.cpp does for a template without system messages. */
const merged: TemplateMessage[] = [
  { role: 'user', content: `${system.content}\n${user.content}` },
  ...others,
];

const render = (template: ChatTemplate): string => {
  try {
    const text = template.render(conversation);
    if (text.includes(system.content)) return text;
  } catch {
    // It refuses system messages.
  }
  return template.render(merged);
};

const cases = templateCases();

t.test('llama.cpp has cases for dozens of models', async (t) => {
  t.ok(cases.length >= 30, `${cases.length} cases`);
});

for (const { name, source, expected, ...tokens } of cases) {
  t.test(`${name} is rendered as llama.cpp expects`, async (t) => {
    t.equal(render(new ChatTemplate(source, tokens)), expected);
  });
}

const folder = 'llama.cpp/models/templates';
const question: TemplateMessage[] = [{ role: 'user', content: 'How many Rs?' }];
const load = (file: string): ChatTemplate =>
  new ChatTemplate(readFileSync(`${folder}/${file}`, 'utf8'), {
    bosToken: '<s>',
    eosToken: '</s>',
  });

/** Those that need what chats do not have: lists of tools, or Jinja beyond the engine's. */
const needMore = new Set([
  'ByteDance-Seed-OSS.jinja',
  'CohereForAI-c4ai-command-r-plus-tool_use.jinja',
  'NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja',
  'NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja',
  'fireworks-ai-llama-3-firefunction-v2.jinja',
  'meetkai-functionary-medium-v3.1.jinja',
  'tencent-Hy3.jinja',
  'unsloth-Apriel-1.5.jinja',
]);

t.test(
  'the templates that come with llama.cpp are rendered, or fail with a NotSupportedError',
  async (t) => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.jinja'));
    t.ok(files.length > 60);
    for (const file of files) {
      const template = load(file);
      if (needMore.has(file)) {
        t.throws(() => template.render(question), {
          code: 'NOT_SUPPORTED',
          message: /^The model's chat template fails on these messages: /,
        });
      } else {
        t.match(template.render(question), 'How many Rs?', file);
      }
    }
  },
);

t.test("the bot's turn is opened, unless that is not wanted", async (t) => {
  const template = load('Qwen-Qwen3-0.6B.jinja');
  const asked = '<|im_start|>user\nHow many Rs?<|im_end|>\n';
  t.equal(template.render(question), `${asked}<|im_start|>assistant\n`);
  t.equal(template.render(question, { addGenerationPrompt: false }), asked);
});

t.test('a template that refuses messages is told with its own words', async (t) => {
  const gemma = load('google-gemma-2-2b-it.jinja');
  const refusal = (words: string) => ({
    name: 'NotSupportedError',
    code: 'NOT_SUPPORTED',
    message: `The model's chat template refuses these messages: ${words}`,
  });
  t.throws(
    () => gemma.render([{ role: 'system', content: 'Be brief' }, ...question]),
    refusal('System role not supported'),
  );
  t.throws(
    () => gemma.render([...question, ...question]),
    refusal('Conversation roles must alternate user/assistant/user/assistant/...'),
  );
});

t.test('what is no template is told when it is read', async (t) => {
  for (const source of ['{% if', '{{ a b }}', '{% for x in y %}']) {
    t.throws(() => new ChatTemplate(source), {
      name: 'NotSupportedError',
      message: /^The chat template cannot be read: /,
    });
  }
  t.throws(() => new ChatTemplate(undefined as unknown as string), {
    name: 'TypeError',
    message: 'Expected a string for source, got undefined',
  });
  t.equal(new ChatTemplate('').render(question), '');
});

t.test('templates get the date in English, whatever the machine speaks', async (t) => {
  const now = new Date(2026, 2, 5, 14, 7, 9);
  const say = (pattern: string): string =>
    new ChatTemplate(`{{ strftime_now('${pattern}') }}`).render(question, { now });
  t.equal(say('%d %b %Y'), '05 Mar 2026');
  t.equal(say('%A, %B %-d, %H:%M:%S'), 'Thursday, March 5, 14:07:09');
  t.equal(say('%a %e %y %j %I %p %m %F %T'), 'Thu  5 26 064 02 PM 03 2026-03-05 14:07:09');
  t.equal(say('%% %q'), '% %q', 'a directive that is not known stays');
  const llama = load('meta-llama-Llama-3.2-3B-Instruct.jinja').render(question, { now });
  t.match(llama, 'Today Date: 05 Mar 2026');
});

t.test('a template cannot ask for a list without end', async (t) => {
  t.throws(() => new ChatTemplate('{{ range(100000000000) }}').render([]), {
    code: 'NOT_SUPPORTED',
    message: /range\(\) is too long/,
  });
  t.equal(new ChatTemplate('{{ range(3) }} {{ range(3, 1, -1) }}').render([]), '[0, 1, 2] [3, 2]');
});
