// Building, replacing and destroying models of a LlamaBinding, also while they generate.

import type { LLaMa } from 'autocog-lm';
import t from 'tap';
import { build, prompt } from './llama-folder.js';

t.test('settings reload only what they need', async (t) => {
  const binding = await build(t);
  const { lm } = binding;
  const { model } = lm as LLaMa;
  const { values } = binding.bindingConfig;
  t.same(await binding.settingsUpdated(), { changed: [], reloaded: 'nothing' });
  values.topK = 5;
  t.same(await binding.settingsUpdated(), { changed: ['topK'], reloaded: 'nothing' });
  t.equal(binding.lm, lm);
  values.contextSize = 64;
  values.temperature = 1;
  t.same(await binding.settingsUpdated(), {
    changed: ['contextSize', 'temperature'],
    reloaded: 'context',
  });
  t.equal((binding.lm as LLaMa).model, model, 'the weights stay');
  t.equal(binding.lm.contextSize, 64);
  t.ok(lm.closed);
  values.mmap = false;
  t.same(await binding.settingsUpdated(), { changed: ['mmap'], reloaded: 'model' });
  t.not((binding.lm as LLaMa).model, model);
  t.ok(model.closed);
  binding.config.modelName = 'two';
  t.same(await binding.settingsUpdated(), { changed: ['modelName'], reloaded: 'model' });
  t.equal(binding.modelName, 'two');
  t.match((binding.lm as LLaMa).model.info.path, /two\.gguf$/);
  t.equal(await binding.generate(prompt, { temperature: 0, nPredict: 2 }), ' Paris');
});

t.test('a setting that the engine refuses leaves the model as it was', async (t) => {
  const binding = await build(t);
  const { lm } = binding;
  const errors: string[] = [];
  binding.on('error', (message) => errors.push(message));
  binding.bindingConfig.values.kvCacheType = 'q4_0';
  await t.rejects(binding.settingsUpdated(), RangeError);
  t.equal(binding.lm, lm);
  t.equal(await binding.generate(prompt, { nPredict: 2 }), ' Paris');
  binding.bindingConfig.values.flashAttention = true;
  t.match(await binding.settingsUpdated(), { reloaded: 'context' });
  t.equal(errors.length, 1);
});

t.test('a model that cannot be loaded leaves the old one', async (t) => {
  const binding = await build(t);
  await t.rejects(binding.buildModel('broken'), { code: 'MODEL_LOAD' });
  await t.rejects(binding.buildModel('none'), { code: 'MODEL_LOAD', message: /no model none in/ });
  await t.rejects(binding.buildModel('o'), RangeError);
  await t.rejects(binding.buildModel(''), TypeError);
  await t.rejects(binding.buildModel('/no/such.gguf'), { code: 'MODEL_LOAD' });
  t.equal(binding.config.modelName, 'one');
  t.equal(binding.modelName, 'one');
  t.equal(await binding.generate(prompt, { nPredict: 2 }), ' Paris');
});

t.test('a generation outlives the replacement of its model', async (t) => {
  const binding = await build(t);
  const { lm } = binding;
  let switching: Promise<unknown> | undefined;
  const text = await binding.generate(prompt, {
    nPredict: 60,
    callback: () => {
      switching ??= binding.buildModel('two');
    },
  });
  await switching;
  t.equal(await binding.generate(prompt, { nPredict: 60 }), text);
  t.ok(lm.closed);
});

t.test('two builds at once: the last one counts', async (t) => {
  const binding = await build(t);
  await Promise.all([
    binding.buildModel('two'),
    binding.buildModel('one'),
    binding.buildModel('two'),
  ]);
  t.equal(binding.modelName, 'two');
  const texts = await Promise.all(
    Array.from({ length: 8 }, () => binding.generate(prompt, { nPredict: 3 })),
  );
  t.same(new Set(texts), new Set([' Paris.']));
});

t.test('after destroyModel calls reject, until a model is built', async (t) => {
  const binding = await build(t);
  const running = binding.generate(prompt, { nPredict: 400 });
  await Promise.all([binding.destroyModel(), t.rejects(running, { code: 'CLOSED' })]);
  await binding.destroyModel();
  t.equal(binding.hasModel, false);
  t.equal(binding.modelName, undefined);
  const expected = { code: 'CLOSED', message: 'LlamaBinding has no model: call buildModel' };
  await t.rejects(binding.generate(prompt), expected);
  await t.rejects(binding.tokenize('x'), expected);
  await t.rejects(binding.detokenize([1]), expected);
  await t.rejects(binding.countTokens('x'), expected);
  await t.rejects(binding.embed('x'), expected);
  t.throws(() => binding.lm, expected);
  t.same(await binding.settingsUpdated(), { changed: [], reloaded: 'nothing' });
  await binding.buildModel();
  t.equal(await binding.generate(prompt, { nPredict: 2 }), ' Paris');
  const building = binding.buildModel('two');
  await binding.destroyModel();
  await building;
  t.equal(binding.hasModel, false, 'a build that was under way is destroyed, too');
});
