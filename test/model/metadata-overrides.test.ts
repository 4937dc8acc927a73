// Overridden metadata: what is in effect is what the model shows.

import { defaultModelPath, LLaMa, Model } from 'autocog-lm';
import { Thread } from 'autocog-lm/chat';
import t from 'tap';
import { oneThread } from '../support/forms.js';

const template = `{% for m in messages %}[{{ m.role }}] {{ m.content }}
{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}${'{# padding #}'.repeat(20)}`;

t.test('a chat template of any length takes effect', async (t) => {
  const metadataOverrides = { 'tokenizer.chat_template': template };
  const lm = await LLaMa.load(defaultModelPath, { ...oneThread, metadataOverrides });
  t.teardown(() => lm.close());
  t.ok(template.length > 127);
  t.equal(lm.model.info.chatTemplate, template);
  t.equal(lm.model.metadata['tokenizer.chat_template'], template);
  const thread = new Thread(lm);
  thread.addMessage('user', 'Hi');
  t.match(await thread.inferenceString(), /\[user\] Hi\n\[assistant\]$/);
});

t.test('overrides show in the metadata, and others stay', async (t) => {
  const plain = await Model.load(defaultModelPath);
  const metadataOverrides = {
    'general.name': 'Another',
    'llama.rope.freq_base': 5e5,
    'my.own.key': 7n,
    'my.own.flag': true,
    'tokenizer.chat_template.rerank': '{{ query }} {{ document }}',
  };
  const model = await Model.load(defaultModelPath, { metadataOverrides });
  t.teardown(() => Promise.all([plain.close(), model.close()]));
  t.match(model.metadata, {
    'general.name': 'Another',
    'llama.rope.freq_base': '500000',
    'my.own.key': '7',
    'my.own.flag': 'true',
    'tokenizer.chat_template.rerank': '{{ query }} {{ document }}',
  });
  t.equal(model.info.ropeFrequencyBaseTrain, 5e5);
  t.equal(model.info.chatTemplate, plain.info.chatTemplate);
  for (const [key, value] of Object.entries(plain.metadata)) {
    if (!(key in metadataOverrides)) t.equal(model.metadata[key], value, key);
  }
});

t.test('what cannot be used is refused', async (t) => {
  const load = (metadataOverrides: Record<string, string | number>) =>
    Model.load(defaultModelPath, { metadataOverrides });
  await t.rejects(load({ 'tokenizer.chat_template': 5 }), {
    name: 'TypeError',
    message: "Expected a string for metadataOverrides['tokenizer.chat_template'], got 5",
  });
  for (const key of ['llama.block_count', 'llama.context_length', 'tokenizer.ggml.bos_token_id']) {
    await t.rejects(
      load({ [key]: 1 }),
      { name: 'TypeError', message: new RegExp(`${key}.*expected int but got float`) },
      'a float where an integer is read has no effect',
    );
  }
  await t.rejects(load({ 'general.name': 'x'.repeat(128) }), {
    name: 'RangeError',
    message: /at most 127 bytes/,
  });
});
