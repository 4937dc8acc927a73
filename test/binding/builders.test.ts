// BindingBuilder and ModelBuilder; the options of bindings, their configuration file, their
// installation and their events.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { defaultModelPath } from 'autocog-lm';
import {
  BindingBuilder,
  BindingType,
  InstallOption,
  LLMBinding,
  LlamaBinding,
  LMBinding,
  ModelBuilder,
  OpenAIBinding,
  TransformersBinding,
} from 'autocog-lm/binding';
import t from 'tap';
import { ScriptedLM } from '../support/scripted-lm.mjs';

const modelsDir = dirname(defaultModelPath);
// Inside the package, so that modules in it can import the package by its own name.
const folder = t.testdir();
const module = (name: string, code: string): string => {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
  return path;
};
const body = `extends LLMBinding {
  async generate(prompt) { return prompt.toUpperCase(); }
  async tokenize(text) { return Int32Array.from(Buffer.from(text)); }
  async detokenize(tokens) { return Buffer.from(tokens).toString(); }
}`;
const esm = "import { LLMBinding } from 'autocog-lm/binding';\n";
const cjs = "const { LLMBinding } = require('autocog-lm/binding');\n";

const modules = {
  'a default export': module('default.mjs', `${esm}export default class A ${body}`),
  'a named export': module(
    'named.mjs',
    `${esm}export class A ${body}\nexport class B ${body}\nexport const bindingName = 'B';`,
  ),
  'the only export': module('only.mjs', `${esm}export class A ${body}\nexport const x = 1;`),
  CommonJS: module('common.cjs', `${cjs}module.exports = class A ${body};`),
  'a CommonJS name': module('names.cjs', `${cjs}exports.A = class A ${body};`),
};

for (const [what, path] of Object.entries(modules)) {
  t.test(`builds the binding of a module with ${what}`, async (t) => {
    const binding = await new BindingBuilder().build(path);
    t.ok(binding instanceof LLMBinding);
    t.equal(await binding.generate('hi'), 'HI');
    t.equal(await binding.countTokens('hi'), 2);
  });
}

t.test('builds the binding of a package in a folder', async (t) => {
  module('pack/package.json', '{ "main": "main.cjs" }');
  // A package of its own, which cannot import this one by its name.
  const own = JSON.stringify(resolve('dist', 'cjs', 'binding', 'index.js'));
  const cjs = `const { LLMBinding } = require(${own});\n`;
  module('pack/main.cjs', `${cjs}module.exports = class A ${body};`);
  const binding = await new BindingBuilder().build(join(folder, 'pack'));
  t.equal(await binding.generate('hi'), 'HI');
});

t.test('builds the bindings of this package by name', async (t) => {
  const builder = new BindingBuilder();
  t.same(builder.names, ['llama', 'openai', 'transformers']);
  t.ok((await builder.build('llama')) instanceof LlamaBinding);
  t.ok((await builder.build('openai')) instanceof OpenAIBinding);
  t.ok((await builder.build('transformers')) instanceof TransformersBinding);
});

t.test('what is no binding is BINDING_LOAD', async (t) => {
  const builder = new BindingBuilder();
  const failures: Record<string, RegExp> = {
    lama: /Cannot import the binding lama, which is none of 'llama', 'openai', 'transformers'/,
    '/no/such/file.mjs': /Cannot import/,
    [module('broken.mjs', 'export default {')]: /Cannot import/,
    [module('throws.mjs', "throw new Error('mine')")]: /: mine$/,
    [module('empty.mjs', '')]: /exports no binding/,
    [module('other.mjs', 'export default class {}')]: /exports no binding/,
    [module('two.mjs', `${esm}export class A ${body}\nexport class B ${body}`)]: /no binding/,
    yaml: /exports no binding/,
  };
  for (const [name, message] of Object.entries(failures)) {
    await t.rejects(builder.build(name), { name: 'LMError', code: 'BINDING_LOAD', message });
  }
  await t.rejects(builder.build(''), RangeError);
  await t.rejects(builder.build(1 as never), TypeError);
  await t.rejects(builder.build('llama', { modelDir: 'x' } as never), TypeError);
});

t.test('ModelBuilder builds the model and keeps it', async (t) => {
  const binding = new LlamaBinding({ modelsDir });
  t.teardown(() => binding.destroyModel());
  const builder = new ModelBuilder(binding);
  t.throws(() => builder.getModel(), { code: 'CLOSED' });
  await t.rejects(builder.build('none'), { code: 'MODEL_LOAD' });
  t.throws(() => builder.getModel(), { code: 'CLOSED' });
  t.equal(await builder.build('default'), binding);
  t.equal(builder.getModel().modelName, 'default');
  t.throws(() => new ModelBuilder({} as never), TypeError);
});

t.test('the configuration file is created, read, and saved', async (t) => {
  const configDir = join(folder, 'config');
  const file = join(configDir, 'LlamaBinding.yaml');
  const binding = (await new BindingBuilder().build('llama', { configDir })) as LlamaBinding;
  t.match(readFileSync(file, 'utf8'), /# Layers to offload to GPUs; -1 for all\ngpuLayers: -1\n/);
  binding.bindingConfig.values.topK = 33;
  await binding.saveConfigFile();
  const again = (await new BindingBuilder().build('llama', { configDir })) as LlamaBinding;
  t.equal(again.bindingConfig.values.topK, 33);
  const warnings: string[] = [];
  again.on('warning', (message) => warnings.push(message));
  writeFileSync(file, 'topk: 1\ntopP: 0.5\n');
  await again.loadBindingConfig();
  t.match(warnings, [/unknown settings: topk$/]);
  t.equal(again.bindingConfig.values.topP, 0.5);
  writeFileSync(file, 'topP: 5\n');
  await t.rejects(new BindingBuilder().build('llama', { configDir }), { code: 'CONFIG_INVALID' });
  const other = join(folder, 'other.yaml');
  await t.rejects(again.loadBindingConfig(other), { code: 'CONFIG_INVALID' });
  t.notOk(existsSync(other), 'a path that is given is not created');
  await again.saveConfigFile(other);
  t.match(readFileSync(other, 'utf8'), /topP: 0\.5/);
  const bare = new LlamaBinding();
  await t.rejects(bare.loadBindingConfig(), TypeError);
  await t.rejects(bare.saveConfigFile(), TypeError);
  await t.rejects(bare.saveConfigFile(1 as never), TypeError);
});

/** Counts its installations. */
class CountingBinding extends LLMBinding {
  installs = 0;
  failure: Error | undefined;
  override async install(): Promise<void> {
    await super.install();
    this.installs++;
    if (this.failure !== undefined) throw this.failure;
  }
  async generate(prompt: string): Promise<string> {
    return prompt;
  }
  async tokenize(): Promise<Int32Array> {
    return new Int32Array(3);
  }
  async detokenize(): Promise<string> {
    return '';
  }
}

t.test('install is called once by buildModel, as the option says', async (t) => {
  const configDir = join(folder, 'install');
  const { NEVER_INSTALL, INSTALL_IF_NECESSARY, FORCE_INSTALL } = InstallOption;
  const installs = async (installation?: InstallOption): Promise<number> => {
    const binding = new CountingBinding({ configDir, installation });
    await Promise.all([binding.buildModel('a'), binding.buildModel('b')]);
    await binding.buildModel();
    return binding.installs;
  };
  t.equal(await installs(NEVER_INSTALL), 0);
  t.equal(await installs(), 1);
  t.ok(existsSync(join(configDir, 'CountingBinding.yaml')));
  t.equal(await installs(INSTALL_IF_NECESSARY), 0, 'its file exists');
  t.equal(await installs(FORCE_INSTALL), 1);
  const binding = new CountingBinding();
  binding.failure = new Error('missing');
  await t.rejects(binding.buildModel('x'), binding.failure);
  binding.failure = undefined;
  await binding.buildModel('x');
  t.equal(binding.installs, 2, 'tried again after a failure');
  t.equal(binding.config.modelName, 'x');
});

t.test('installing does not overwrite a configuration file', async (t) => {
  const configDir = join(folder, 'kept');
  mkdirSync(configDir);
  const file = join(configDir, 'LlamaBinding.yaml');
  writeFileSync(file, 'topK: 7\n');
  const options = { configDir, modelsDir, installation: InstallOption.FORCE_INSTALL };
  await using binding = new LlamaBinding(options);
  await binding.buildModel('default');
  t.equal(readFileSync(file, 'utf8'), 'topK: 7\n');
});

t.test('the bindings report what they have installed', async (t) => {
  for (const Binding of [LlamaBinding, OpenAIBinding, TransformersBinding]) {
    const binding = new Binding();
    const infos: string[] = [];
    binding.on('info', (message) => infos.push(message));
    await binding.install();
    await binding.reinstallPytorchWithCuda();
    t.match(infos, [/llama\.cpp .* on |is installed/, /npx autocog-lm build --cuda/]);
  }
});

t.test('events reach listeners and the communicator', async (t) => {
  const received: unknown[][] = [];
  const communicator = {
    prefix: 'ui',
    info(message: string) {
      received.push([this.prefix, message]);
    },
    error(message: string, cause?: unknown) {
      received.push([message, cause]);
    },
  };
  const binding = new CountingBinding({ communicator });
  binding.on('success', (message) => received.push([message]));
  const failure = new Error('broken');
  binding.info('a');
  binding.warning('b');
  binding.success('c');
  binding.error('d');
  binding.error(failure);
  t.same(received, [['ui', 'a'], ['c'], ['d', undefined], ['broken', failure]]);
  new CountingBinding().error('nobody listens');
  t.throws(() => binding.info(1 as never), TypeError);
});

t.test('wrong options are refused', async (t) => {
  const invalid: readonly object[] = [
    { name: '' },
    { name: 'a/b' },
    { name: '..' },
    { modelsDir: 1 },
    { configDir: '' },
    { config: null },
    { config: { model_name: 'x' } },
    { config: { modelName: 1 } },
    { config: { nPredict: 0 } },
    { installation: 4 },
    { installation: 'FORCE_INSTALL' },
    { communicator: { info: 1 } },
    { communicator: 'x' },
    { bindingConfig: 1 },
    { unknown: 1 },
  ];
  for (const options of invalid) {
    t.throws(() => new LlamaBinding(options), { message: /^Expected / }, JSON.stringify(options));
    t.throws(() => new CountingBinding(options), { message: /^Expected / });
  }
  t.throws(() => new LlamaBinding({ bindingConfig: { topK: -1 } }), RangeError);
  t.throws(() => new LlamaBinding({ bindingConfig: { top: 1 } as never }), TypeError);
  t.throws(() => new CountingBinding({ supportedFileExtensions: 1 as never }), TypeError);
  t.throws(() => new CountingBinding({ bindingType: 4 as never }), TypeError);
  t.equal(new CountingBinding({ bindingType: 1 }).bindingType, BindingType.TEXT_IMAGE);
  t.equal(new CountingBinding({ bindingType: BindingType.MULTIMODAL }).bindingType, 'multimodal');
  t.equal(new CountingBinding().bindingType, BindingType.TEXT_ONLY);
});

t.test('a frozen shared configuration is copied, another one is shared', async (t) => {
  const frozen = Object.freeze({ modelName: 'a' });
  const copy = new CountingBinding({ config: frozen });
  await copy.buildModel('b');
  t.equal(copy.config.modelName, 'b');
  const shared = { modelName: 'a' };
  const [one, two] = [1, 2].map(() => new CountingBinding({ config: shared }));
  await one?.buildModel('c');
  t.equal(two?.config.modelName, 'c');
});

t.test('the metadata come from config.yaml, or from package.json', async (t) => {
  const dir = join(folder, 'meta');
  mkdirSync(dir);
  const binding = new CountingBinding({ bindingDir: dir });
  await t.rejects(binding.readMetadata(), { code: 'CONFIG_INVALID' });
  const fields = { name: 'x', version: '1.0.0', author: { name: 'Me' }, homepage: 'https://x.org' };
  writeFileSync(join(dir, 'package.json'), JSON.stringify(fields));
  t.match(await binding.readMetadata(), { name: 'x', author: 'Me', url: 'https://x.org' });
  writeFileSync(join(dir, 'config.yaml'), 'name: Y\nversion: 2\nlicense: Apache 2.0\n');
  t.same(await binding.readMetadata(), {
    name: 'Y',
    author: '',
    version: '2',
    description: '',
    url: '',
    license: 'Apache 2.0',
  });
  writeFileSync(join(dir, 'config.yaml'), '[');
  await t.rejects(binding.readMetadata(), { code: 'CONFIG_INVALID' });
  await t.rejects(new CountingBinding().readMetadata(), TypeError);
  t.match(await new CountingBinding({ bindingDir: resolve('.') }).readMetadata(), {
    name: 'autocog-lm',
    license: 'MIT',
  });
});

t.test('a binding over any LM implements openLM alone', async (t) => {
  class Scripted extends LMBinding {
    protected override async openLM(name: string) {
      return { lm: new ScriptedLM([name]) };
    }
  }
  await using binding = new Scripted();
  await binding.buildModel('hello');
  t.equal(await binding.generate('x', { nPredict: 100 }), 'hello');
  await binding.buildModel('other');
  t.equal(await binding.generate('x', { nPredict: 100 }), 'other');
});
