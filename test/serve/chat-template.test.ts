// The server's own chat template, and system messages merged into user messages.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultModelPath, LLaMa, Model } from 'autocog-lm';
import { Thread } from 'autocog-lm/chat';
import { serve } from 'autocog-lm/serve';
import t from 'tap';
import { oneThread } from '../support/forms.js';
import { checkRejected, openDefault } from './rejections.js';

/** Rejects system messages, as Gemma's does. */
const strict = `{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}
{{- raise_exception('System role not supported') }}{% endif %}
{{- '<' + m.role + '>' + m.content + '\\n' }}{% endfor %}
{%- if add_generation_prompt %}<assistant>{% endif %}`;

/** Drops system messages silently. */
const dropping =
  "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}";

const user = { role: 'user', content: 'What is the capital of France?' };
const system = { role: 'system', content: 'Be brief.' };
const path = '/v1/chat/completions';
const settings = { temperature: 0, max_tokens: 4 };

t.test("the server's template replaces the model's", async (t) => {
  const { post, get, lm } = await openDefault(t, { chatTemplate: strict });
  const { json } = await post(path, { ...settings, messages: [user] });
  const text = `<|bos|><user>${user.content}\n<assistant>`;
  const tokens = await lm.tokenize(text, { parseSpecial: true });
  t.equal(json.usage.prompt_tokens, tokens.length);
  const { text: expected } = await lm.complete(tokens, { maxTokens: 4 });
  t.equal(json.choices[0].message.content, expected);
  t.equal((await get('/tokenizer_info')).json.chat_template, strict);
});

t.test('a rejected system message is a 400 that names the option', async (t) => {
  for (const chatTemplate of [strict, dropping]) {
    const { post } = await openDefault(t, { chatTemplate });
    for (const stream of [false, true]) {
      for (const role of ['system', 'developer']) {
        const messages = [{ ...system, role }, user];
        checkRejected(t, await post(path, { ...settings, messages, stream }), {
          status: 400,
          code: 'not_supported',
          param: 'messages',
          message: /^The chat template .*; the option mergeSystem \(--merge-system\) merges system/,
        });
      }
    }
  }
  const alternating = `{% if messages[0].role != 'user' %}{{ raise_exception('No') }}{% endif %}
{%- for m in messages %}{{ m.content }}{% endfor %}`;
  const { post } = await openDefault(t, { chatTemplate: alternating });
  const answer = { role: 'assistant', content: 'Hi' };
  const reply = await post(path, { ...settings, messages: [answer, user, system, user] });
  checkRejected(t, reply, { message: /rejects these messages: No$/ });
});

t.test('with mergeSystem the system message begins the first user message', async (t) => {
  for (const chatTemplate of [strict, undefined]) {
    const { post, lm } = await openDefault(t, { chatTemplate, mergeSystem: true });
    const merged = { role: 'user', content: `${system.content}\n${user.content}` };
    const separate = await post(path, { ...settings, messages: [system, user] });
    t.equal(separate.status, 200);
    const whole = await post(path, { ...settings, messages: [merged] });
    t.same(separate.json.choices, whole.json.choices);
    t.equal(separate.json.usage.prompt_tokens, whole.json.usage.prompt_tokens);
    const thread = new Thread(lm, {
      template: chatTemplate,
      mergeSystem: true,
      messages: [system, user],
    });
    t.equal((await thread.inferenceTokens()).length, whole.json.usage.prompt_tokens);
  }
});

t.test('a model without a chat template needs one', async (t) => {
  // The key is renamed in place, so that all offsets in the file stay.
  const bytes = readFileSync(defaultModelPath);
  bytes.write('tokenizer.else_template', bytes.indexOf('tokenizer.chat_template'));
  const folder = t.testdir({});
  writeFileSync(join(folder, 'bare.gguf'), bytes);
  const model = await Model.load(join(folder, 'bare.gguf'));
  t.teardown(() => model.close());
  t.equal(model.info.chatTemplate, undefined);
  const request = (url: string) =>
    fetch(url + path, {
      method: 'POST',
      body: JSON.stringify({ ...settings, messages: [user] }),
      headers: { 'content-type': 'application/json' },
    });
  await using lm = new LLaMa(model, oneThread);
  await using bare = await serve(lm, { port: 0 });
  const response = await request(bare.url);
  t.equal(response.status, 400);
  t.match(await response.json(), {
    error: {
      code: 'not_supported',
      param: null,
      message: /option chatTemplate \(--chat-template, --chat-template-file\)$/,
    },
  });
  await using helped = await serve(lm, { port: 0, chatTemplate: strict });
  t.equal((await request(helped.url)).status, 200);
});

t.test('an invalid template is rejected when the server starts', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, oneThread);
  const rejects = (options: object, expected: { message: RegExp; code?: string }) =>
    t.rejects(serve(lm, { port: 0, ...options }), expected);
  await rejects({ chatTemplate: 7 }, { message: /^Expected a string for chatTemplate, got 7$/ });
  await rejects(
    { chatTemplate: 'chatml' },
    {
      code: 'OUT_OF_RANGE',
      message: /^Expected a Jinja template, .* for chatTemplate, got "chatml"/,
    },
  );
  await rejects(
    { chatTemplate: '{% for %}' },
    { code: 'NOT_SUPPORTED', message: /^Cannot parse the chat template: / },
  );
  await rejects({ mergeSystem: 'yes' }, { message: /for mergeSystem, got "yes"$/ });
});
