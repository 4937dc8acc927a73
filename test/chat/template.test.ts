// A model's own chat template: its rendering of a conversation, and how it fails. The expected
// renderings of dozens of models' templates come from llama.cpp's own template test.

import { readdirSync, readFileSync } from 'node:fs';
import { ChatTemplate, type TemplateMessage } from 'autocog-lm/chat';
import t from 'tap';
import { conversation, templateCases } from './llama-cpp-templates.js';

const [system, user, ...others] = conversation;

/** How llama.cpp renders with a template without system messages. */
const merged: TemplateMessage[] = [
  { role: 'user', content: `${system.content}\n${user.content}` },
  ...others,
];

const render = (template: ChatTemplate): string => {
  try {
    const text = template.render(conversation);
    if (text.includes(system.content)) return text;
  } catch {
    // The template rejects system messages.
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

/** Templates that need a list of tools or functions. */
const unsupported = new Set([
  'CohereForAI-c4ai-command-r-plus-tool_use.jinja',
  'NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja',
  'NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja',
  'fireworks-ai-llama-3-firefunction-v2.jinja',
]);

t.test(
  'the templates that come with llama.cpp are rendered, or fail with a NotSupportedError',
  async (t) => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.jinja'));
    t.ok(files.length > 60);
    for (const file of files) {
      const template = load(file);
      if (unsupported.has(file)) {
        t.throws(() => template.render(question), {
          code: 'NOT_SUPPORTED',
          message: /^The chat template fails on these messages: /,
        });
      } else {
        t.match(template.render(question), 'How many Rs?', file);
      }
    }
  },
);

t.test("the opening of the bot's turn is appended unless disabled", async (t) => {
  const template = load('Qwen-Qwen3-0.6B.jinja');
  const rendered = '<|im_start|>user\nHow many Rs?<|im_end|>\n';
  t.equal(template.render(question), `${rendered}<|im_start|>assistant\n`);
  t.equal(template.render(question, { addGenerationPrompt: false }), rendered);
});

t.test("a template's rejection is reported with its own message", async (t) => {
  const gemma = load('google-gemma-2-2b-it.jinja');
  const rejection = (reason: string) => ({
    name: 'NotSupportedError',
    code: 'NOT_SUPPORTED',
    message: `The chat template rejects these messages: ${reason}`,
  });
  t.throws(
    () => gemma.render([{ role: 'system', content: 'Be brief' }, ...question]),
    rejection('System role not supported'),
  );
  t.throws(
    () => gemma.render([...question, ...question]),
    rejection('Conversation roles must alternate user/assistant/user/assistant/...'),
  );
});

t.test('an invalid template is rejected when it is parsed', async (t) => {
  for (const source of ['{% if', '{{ a b }}', '{% for x in y %}']) {
    t.throws(() => new ChatTemplate(source), {
      name: 'NotSupportedError',
      message: /^Cannot parse the chat template: /,
    });
  }
  t.throws(() => new ChatTemplate(undefined as unknown as string), {
    name: 'TypeError',
    message: 'Expected a string for source, got undefined',
  });
  t.equal(new ChatTemplate('').render(question), '');
});

t.test("templates get the date in English, whatever the machine's locale", async (t) => {
  const now = new Date(2026, 2, 5, 14, 7, 9);
  const formatted = (pattern: string): string =>
    new ChatTemplate(`{{ strftime_now('${pattern}') }}`).render(question, { now });
  t.equal(formatted('%d %b %Y'), '05 Mar 2026');
  t.equal(formatted('%A, %B %-d, %H:%M:%S'), 'Thursday, March 5, 14:07:09');
  t.equal(formatted('%a %e %y %j %I %p %m %F %T'), 'Thu  5 26 064 02 PM 03 2026-03-05 14:07:09');
  t.equal(formatted('%% %q'), '% %q', 'an unknown directive is left as is');
  const llama = load('meta-llama-Llama-3.2-3B-Instruct.jinja').render(question, { now });
  t.match(llama, 'Today Date: 05 Mar 2026');
});

t.test('a template cannot create an arbitrarily long range', async (t) => {
  t.throws(() => new ChatTemplate('{{ range(100000000000) }}').render([]), {
    code: 'NOT_SUPPORTED',
    message: /range\(\) is too long/,
  });
  const template = '{{ range(3) | list }} {{ range(3, 1, -1) | list }} {{ range(3) }}';
  t.equal(new ChatTemplate(template).render([]), '[0, 1, 2] [3, 2] range(0, 3)');
});
