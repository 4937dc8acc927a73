// TransformersBinding: over the default model in ONNX format.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultModelPath, LLaMa } from 'autocog-lm';
import { TransformersBinding } from 'autocog-lm/binding';
import t from 'tap';
import { writeOnnx } from '../../models/write-onnx.mjs';

const modelsDir = t.testdir({
  someone: { broken: { 'config.json': '{' } },
  empty: {},
  'file.txt': '',
});
writeOnnx(join(modelsDir, 'someone', 'default'));
const prompt = 'The capital of France is';

t.test('generates greedily what LLaMa generates', async (t) => {
  await using binding = new TransformersBinding({ modelsDir, bindingConfig: { threads: 1 } });
  t.same(await binding.listModels(), ['someone/broken', 'someone/default']);
  const warnings: string[] = [];
  binding.on('warning', (message) => warnings.push(message));
  t.match(await binding.getAvailableModels(), [
    { name: 'someone/broken', error: { code: 'MODEL_LOAD' } },
    { name: 'someone/default', architecture: 'llama', contextSize: 512, error: undefined },
  ]);
  t.equal(warnings.length, 1);
  await binding.buildModel('default');
  t.equal(await binding.getModelPath(), join(modelsDir, 'someone', 'default'));
  const calls: (string | undefined)[] = [];
  const text = await binding.generate(prompt, {
    nPredict: 6,
    callback: (_chunk, _type, { finishReason }) => calls.push(finishReason),
  });
  await using lm = await LLaMa.load(defaultModelPath, { threads: 1 });
  t.equal(text, (await lm.complete(prompt, { maxTokens: 6 })).text);
  t.equal(calls.at(-1), 'length');
  t.equal(await binding.generate(prompt, { callback: () => false }), ' P');
  t.equal(binding.getCurrentSeed(), -1);
  t.same(await binding.tokenize('Hello'), await lm.tokenize('Hello'));
  t.equal(await binding.detokenize([300]), await lm.detokenize(Int32Array.of(300)));
});

t.test('what it cannot do is refused, and a failure keeps the model', async (t) => {
  await using binding = new TransformersBinding({ modelsDir, bindingConfig: { threads: 1 } });
  await binding.buildModel('default');
  const refused = { code: 'NOT_SUPPORTED' };
  await t.rejects(binding.generate(prompt, { temperature: 1 }), refused);
  await t.rejects(binding.embed('x'), refused);
  await t.rejects(binding.embed(['x']), refused);
  await t.rejects(binding.embed(1 as never), TypeError);
  await t.rejects(binding.generateWithImages(prompt, ['x.png']), refused);
  await t.rejects(binding.buildModel('broken'), { code: 'MODEL_LOAD' });
  await t.rejects(binding.buildModel('not/there'), { code: 'MODEL_LOAD' });
  binding.bindingConfig.values.contextSize = 1e6;
  await t.rejects(binding.settingsUpdated(), RangeError);
  t.equal(await binding.generate(prompt, { nPredict: 2 }), ' Paris');
  binding.bindingConfig.values.contextSize = 64;
  t.match(await binding.settingsUpdated(), { reloaded: 'model' });
  t.equal(binding.lm.contextSize, 64);
});

t.test('a missing folder is an error', async (t) => {
  const binding = new TransformersBinding({ modelsDir: join(modelsDir, 'missing') });
  await t.rejects(binding.listModels(), { code: 'MODEL_LOAD' });
  await t.rejects(binding.getAvailableModels(), { code: 'MODEL_LOAD' });
  t.same(await new TransformersBinding().listModels(), []);
  mkdirSync(join(modelsDir, 'late'));
  writeFileSync(join(modelsDir, 'late', 'config.json'), '[]');
  const late = await new TransformersBinding({ modelsDir }).getAvailableModels();
  t.match(late.find(({ name }) => name === 'late')?.error, { code: 'MODEL_LOAD' });
});
