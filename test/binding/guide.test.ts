// The code of LoLLMs' guide for developers of bindings: a binding written by it works as the guide
// says.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultModelPath } from 'autocog-lm';
import {
  BaseConfig,
  BindingType,
  type GenerationCallback,
  LlamaBinding,
  MSG_OPERATION_TYPE,
} from 'autocog-lm/binding';
import t, { type Test } from 'tap';
import { YourBinding } from './guide-binding.js';

const {
  MSG_OPERATION_TYPE_ADD_CHUNK,
  MSG_OPERATION_TYPE_REPLACE_LAST,
  MSG_OPERATION_TYPE_NEW_LINE,
} = MSG_OPERATION_TYPE;

async function build(t: Test): Promise<{ binding: YourBinding; events: string[] }> {
  const events: string[] = [];
  const report =
    (kind: string) =>
    (message: string): unknown =>
      events.push(`${kind}: ${message}`);
  const communicator = {
    info: report('info'),
    warning: report('warning'),
    error: report('error'),
    success: report('success'),
  };
  const binding = new YourBinding({ communicator });
  t.teardown(() => binding.destroyModel());
  return { binding: await binding.buildModel('your-model'), events };
}

const prompt = 'The capital of France is';

t.test('the basic structure: configuration, installation, model', async (t) => {
  const { binding } = await build(t);
  t.equal(binding.installed, 1);
  t.equal(binding.config.modelName, 'your-model');
  t.equal(binding.settings.values.temperature, 0.7);
  t.throws(() => {
    binding.settings.values.temperature = 1.5;
  }, RangeError);
  t.same(await binding.listModels(), ['your-model']);
  t.same(await binding.getAvailableModels(), []);
  t.equal(await binding.detokenize(await binding.tokenize('Hello')), 'Hello');
  t.equal((await binding.embed('Hello')).length, 128);
});

t.test('the types of bindings', async (t) => {
  t.equal(BindingType.TEXT, 'text');
  t.equal(BindingType.TEXT_IMAGE, 'text_image');
  t.equal(BindingType.MULTIMODAL, 'multimodal');
});

t.test('the types of operations have the values of the guide', async (t) => {
  const names = [
    'ADD_CHUNK',
    'SET_CONTENT',
    'SET_CONTENT_INVISIBLE_TO_AI',
    'SET_CONTENT_INVISIBLE_TO_USER',
    'EXCEPTION',
    'WARNING',
    'INFO',
    'STEP',
    'STEP_START',
    'STEP_PROGRESS',
    'STEP_END_SUCCESS',
    'STEP_END_FAILURE',
    'JSON_INFOS',
    'REF',
    'CODE',
    'UI',
    'NEW_MESSAGE',
    'FINISHED_MESSAGE',
    'REPLACE_LAST',
    'NEW_LINE',
  ];
  for (const [value, name] of names.entries()) {
    const member = `MSG_OPERATION_TYPE_${name}` as keyof typeof MSG_OPERATION_TYPE;
    t.equal(MSG_OPERATION_TYPE[member], value);
    t.equal(MSG_OPERATION_TYPE[value], member);
  }
  t.equal(Object.keys(MSG_OPERATION_TYPE).length, 2 * names.length);
});

t.test('basic callback usage', async (t) => {
  const { binding } = await build(t);
  const chunks: string[] = [];
  const text = await binding.generate(prompt, {
    callback: (chunk, type) => {
      t.equal(type, MSG_OPERATION_TYPE_ADD_CHUNK);
      chunks.push(chunk);
    },
  });
  t.equal(chunks.join(''), text);
  t.ok(text.startsWith(' Paris'));
  t.equal(await binding.generate(prompt, { callback: () => false }), '');
});

t.test('a failure is an event, and the text is empty', async (t) => {
  const events: string[] = [];
  const binding = new YourBinding();
  binding.on('error', (message) => events.push(message));
  t.equal(await binding.generate(prompt), '');
  t.same(events, ['No model']);
});

t.test('advanced callback usage', async (t) => {
  const { binding } = await build(t);
  const calls: unknown[][] = [];
  const text = await binding.generateWithImages(prompt, ['cat.png'], {
    callback: (chunk, type, { finishReason }) => calls.push([chunk, type, finishReason]),
  });
  t.equal(text, 'A cat\nin 1 image');
  t.same(calls, [
    ['A ct', MSG_OPERATION_TYPE_ADD_CHUNK, undefined],
    ['cat', MSG_OPERATION_TYPE_REPLACE_LAST, undefined],
    ['\n', MSG_OPERATION_TYPE_NEW_LINE, undefined],
    ['in 1 image', MSG_OPERATION_TYPE_ADD_CHUNK, 'eog'],
  ]);
});

t.test('callbacks with progress, and the three common use cases', async (t) => {
  const { binding } = await build(t);
  const printed: string[] = [];
  // 1. Progress display
  const progressCallback: GenerationCallback = (_chunk, _type, metadata) => {
    if (metadata.progress !== undefined) {
      printed.push(`Progress: ${(metadata.progress * 100).toFixed(2)}%`);
    }
    return true;
  };
  // 2. Token counting
  const tokenCallback: GenerationCallback = (_chunk, _type, metadata) => {
    if ('tokenCount' in metadata) printed.push(`Tokens generated: ${metadata.tokenCount}`);
    return true;
  };
  // 3. UI updates
  let shown = '';
  const uiCallback: GenerationCallback = (chunk, type) => {
    if (type === MSG_OPERATION_TYPE_ADD_CHUNK) shown += chunk;
    else if (type === MSG_OPERATION_TYPE_NEW_LINE) shown += '\n';
    return true;
  };
  await binding.generateWithProgress(prompt, 4, progressCallback);
  t.ok(printed.includes('Progress: 100.00%') || printed.some((line) => /1\d\d\.\d\d%/.test(line)));
  printed.length = 0;
  await binding.generateWithProgress(prompt, 2, tokenCallback);
  t.match(printed.at(-1), /^Tokens generated: 0$/, 'the limit ends with an empty chunk');
  const text = await binding.generateWithProgress(prompt, 128, uiCallback);
  t.equal(shown, text);
});

t.test('the bindings of this package call the same callbacks', async (t) => {
  const binding = new LlamaBinding({ bindingConfig: { threads: 1, temperature: 0 } });
  t.teardown(() => binding.destroyModel());
  await binding.buildModel(defaultModelPath);
  let shown = '';
  const progress: number[] = [];
  const text = await binding.generate(prompt, {
    nPredict: 4,
    callback: (chunk, type, metadata) => {
      if (metadata.progress !== undefined) progress.push(metadata.progress);
      if (type === MSG_OPERATION_TYPE_ADD_CHUNK) shown += chunk;
      return true;
    },
  });
  t.equal(shown, text);
  t.same(progress, [0.25, 0.5, 0.75, 1, 1]);
});

t.test('validation of the configuration, and the four messages', async (t) => {
  const { binding, events } = await build(t);
  const { lm } = binding;
  await binding.settingsUpdated();
  t.same(events, ['error: API key not set!']);
  t.equal(binding.lm, lm);
  binding.settings.values.apiKey = 'key';
  await binding.settingsUpdated();
  t.not(binding.lm, lm);
  await lm?.close();
  binding.info('Information message');
  binding.warning('Warning message');
  binding.error('Error message');
  binding.success('Success message');
  t.same(events.slice(1), [
    'info: Information message',
    'warning: Warning message',
    'error: Error message',
    'success: Success message',
  ]);
});

t.test('the example of config.yaml', async (t) => {
  const { binding } = await build(t);
  const folder = t.testdir();
  const path = join(folder, 'config.yaml');
  writeFileSync(
    path,
    'name: YourBinding\nauthor: Your Name\nversion: 1.0.0\ndescription: Description of your binding\n' +
      'url: https://github.com/yourusername/your-binding\nlicense: Apache 2.0\n',
  );
  class Here extends YourBinding {}
  t.equal(new Here().name, 'Here');
  t.same((await BaseConfig.load(path)).toJSON(), {
    name: 'YourBinding',
    author: 'Your Name',
    version: '1.0.0',
    description: 'Description of your binding',
    url: 'https://github.com/yourusername/your-binding',
    license: 'Apache 2.0',
  });
  await t.rejects(binding.readMetadata(), { code: 'CONFIG_INVALID' }, 'its folder has none');
});
