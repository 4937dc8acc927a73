// The templates of 70 models, with conversations that tell a faithful renderer from one that is
// nearly right. rendered-templates.json has the digests of what Jinja2 renders, with the opening of
// the bot's turn and without; null where Jinja2 fails.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ChatTemplate, type TemplateMessage } from 'autocog-lm/chat';
import t from 'tap';

const user = (content: string): TemplateMessage => ({ role: 'user', content });
const bot = (content: string): TemplateMessage => ({ role: 'bot', content });
const system = (content: string): TemplateMessage => ({ role: 'system', content });

const conversations: Readonly<Record<string, TemplateMessage[]>> = {
  dialogue: [
    system('You are a helpful assistant'),
    user('Hello'),
    bot('Hi there'),
    user('Who are you'),
    bot('   I am an assistant   '),
    user('Another question'),
  ],
  indented: [
    user('code?'),
    bot('    def f():\n        return 1\n\n'),
    user('  more\n\tindent  '),
    bot('\n\n  - a\n    - b\n'),
    user('go'),
  ],
  characters: [
    system('🎉 émoji 漢字'),
    user('👩‍👧 \u00a0 hi\u3000'),
    bot('𝒳 ok \ufeff'),
    user('ß ŉ ǆ İ it\'s "x" \\ {{ x }} <|im_end|>'),
  ],
  reasoning: [
    user('q'),
    bot('<think>\nhmm\n</think>\n\n  answer'),
    user('r'),
    bot('<think>x</think>y'),
    user('s'),
  ],
  empty: [user(''), bot(''), user(' ')],
  unanswered: [bot('a'), user('c'), user('d')],
};

type Digest = string | null;
type Rendered = { template: string } & Record<string, [opened: Digest, closed: Digest]>;

const expected: Readonly<Record<string, Rendered>> = JSON.parse(
  readFileSync('test/fixtures/rendered-templates.json', 'utf8'),
);
const digest = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);

const now = new Date(2026, 2, 5, 14, 7, 9);

function render(template: ChatTemplate, messages: TemplateMessage[], opening: boolean): Digest {
  try {
    return digest(template.render(messages, { addGenerationPrompt: opening, now }));
  } catch (error) {
    if ((error as { code?: string }).code === 'NOT_SUPPORTED') return null;
    throw error;
  }
}

let compared = 0;

for (const [file, rendered] of Object.entries(expected)) {
  t.test(`${file} is rendered as by Jinja2`, async (t) => {
    const source = readFileSync(`llama.cpp/models/templates/${file}`, 'utf8');
    // Another release of llama.cpp may have changed it.
    if (digest(source) !== rendered.template) return;
    compared++;
    const template = new ChatTemplate(source, { bosToken: '<s>', eosToken: '</s>' });
    for (const [name, messages] of Object.entries(conversations)) {
      const texts = [true, false].map((opening) => render(template, messages, opening));
      t.same(texts, rendered[name], name);
    }
  });
}

t.test('most templates are those that were compared with Jinja2', async (t) => {
  t.ok(compared >= 60, `${compared} templates`);
});
