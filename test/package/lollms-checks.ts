// For each row of docs/from-lollms.md, a check that the equivalent does what the row says.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultModelPath, LLaMa } from 'autocog-lm';
import * as entry from 'autocog-lm/binding';
import {
  binding,
  type Check,
  callsOf,
  folder,
  messagesOf,
  modelsDir,
  page,
  prompt,
} from './lollms-setup.js';

const {
  BaseConfig,
  BindingBuilder,
  BindingType,
  ConfigTemplate,
  InstallOption,
  LlamaBinding,
  ModelBuilder,
  MSG_OPERATION_TYPE,
  TypedConfig,
} = entry;

/** A template with one entry. */
const template = (more: object) =>
  new ConfigTemplate([{ name: 'a', type: 'int', value: 1, ...more } as entry.ConfigEntry]);

const isExported =
  (...names: string[]): Check =>
  (t) => {
    for (const name of names) t.type((entry as Record<string, unknown>)[name], 'function', name);
  };

const extensions: Check = async (t) => {
  const files = t.testdir({ 'a.bin': '', 'b.txt': '' });
  const list = (supportedFileExtensions: string[]) =>
    new (class extends entry.LMBinding {
      constructor() {
        super({ modelsDir: files, supportedFileExtensions });
      }
      protected override async openLM() {
        return { lm: await LLaMa.load(defaultModelPath) };
      }
    })().listModels();
  t.same(await list(['*.bin']), ['a.bin']);
  t.same(await list(['']), ['a.bin', 'b.txt']);
};

const metadata =
  (name: keyof entry.BindingMetadata): Check =>
  async (t) => {
    const bindingDir = t.testdir({ 'config.yaml': `${name}: mine\n` });
    t.equal((await new LlamaBinding({ bindingDir }).readMetadata())[name], 'mine');
  };

const shared: Check = async (t) => {
  const config = { modelName: 'default', nPredict: 1 };
  await using own = new LlamaBinding({ modelsDir, config, bindingConfig: { temperature: 0 } });
  await own.buildModel();
  t.equal(await own.generate(prompt), ' P');
  config.nPredict = 2;
  t.equal(await own.generate(prompt), ' Paris');
};

const folders: Check = async (t) => {
  t.same(await binding.listModels(), ['default.gguf']);
  t.equal(binding.configPath, join(folder, 'LlamaBinding.yaml'));
};

const installation = (option: entry.InstallOption, count: number): Check => {
  return async (t) => {
    let installs = 0;
    class Counting extends LlamaBinding {
      override async install(): Promise<void> {
        installs++;
      }
    }
    // The binding's configuration file exists.
    const options = { name: 'LlamaBinding', configDir: folder, modelsDir, installation: option };
    await using own = new Counting(options);
    await own.buildModel('default');
    t.equal(installs, count);
  };
};

const installs: Check = async (t) => {
  t.match(await messagesOf('info', (own) => own.install()), [/llama\.cpp/]);
};

const images: Check = (t) =>
  t.rejects(binding.generateWithImages(prompt, ['cat.png']), {
    code: 'NOT_SUPPORTED',
    message: /mmproj-default\.gguf/,
  });

const module: Check = async (t) => {
  const path = join(t.testdirName, 'binding.mjs');
  mkdirSync(t.testdirName, { recursive: true });
  const code = "export { LlamaBinding, OpenAIBinding } from 'autocog-lm/binding';";
  writeFileSync(path, `${code}\nexport const bindingName = 'LlamaBinding';\n`);
  t.ok((await new BindingBuilder().build(path)) instanceof LlamaBinding);
};

const bounds =
  (name: 'min' | 'max'): Check =>
  (t) => {
    const config = new TypedConfig(template({ [name]: 1 }));
    t.throws(() => config.set('a', name === 'min' ? 0 : 2), RangeError);
  };

const event =
  (kind: entry.BindingEvent): Check =>
  async (t) => {
    t.same(await messagesOf(kind, (own) => own[kind]('hello')), ['hello']);
  };

const bindingType =
  (name: keyof typeof BindingType, value: string, number?: 0 | 1 | 2 | 3): Check =>
  (t) => {
    t.equal(BindingType[name], value);
    if (number === undefined) return;
    class Own extends entry.LMBinding {
      protected override async openLM() {
        return { lm: await LLaMa.load(defaultModelPath) };
      }
    }
    t.equal(new Own({ bindingType: number }).bindingType, value);
  };

const reference: Check = async (t) => {
  const dir = t.testdir({ 'x.reference': defaultModelPath });
  const own = new LlamaBinding({ modelsDir: dir });
  t.same(await own.listModels(), ['x.reference']);
  t.equal(await own.getModelPath('x'), defaultModelPath);
};

/** Under the heading LLMBinding. */
export const llmBinding: Record<string, Check> = {
  LLMBinding: isExported('LLMBinding', 'LMBinding'),
  'LLMBinding.__init__': (t) =>
    t.throws(() => new LlamaBinding({ unknown: 1 } as never), TypeError),
  binding_dir: metadata('name'),
  lollms_paths: folders,
  config: shared,
  binding_config: (t) => t.equal(binding.bindingConfig.values.threads, 1),
  installation_option: installation(InstallOption.FORCE_INSTALL, 1),
  SAFE_STORE_SUPPORTED_FILE_EXTENSIONS: extensions,
  supported_file_extensions: extensions,
  lollmsCom: async (t) => {
    const messages: string[] = [];
    const communicator = { success: (message: string) => messages.push(message) };
    new LlamaBinding({ communicator }).success('hello');
    t.same(messages, ['hello']);
  },
  install: installs,
  build_model: async (t) => {
    t.equal(await binding.buildModel('default'), binding);
    await t.rejects(binding.buildModel('none'), { name: 'ModelLoadError' });
  },
  model_name: (t) => t.equal(binding.modelName, 'default'),
  get_model_path: async (t) => {
    t.equal(await binding.getModelPath('default'), defaultModelPath);
    t.equal(await binding.getModelPath('none'), undefined);
  },
  generate: async (t) => t.equal(await binding.generate(prompt, { nPredict: 2 }), ' Paris'),
  prompt: (t) => t.rejects(binding.generate(1 as never), TypeError),
  n_predict: async (t) => t.equal((await callsOf({ nPredict: 3 })).length, 4),
  callback: async (t) => {
    t.equal(await binding.generate(prompt, { callback: () => false }), ' P');
    t.not(await binding.generate(prompt, { callback: () => undefined }), ' P');
  },
  verbose: async (t) => {
    const options = { nPredict: 2, verbose: true };
    t.match(await messagesOf('info', (own) => own.generate(prompt, options)), [/^2 tokens/]);
  },
  gpt_params: async (t) => {
    const sampling = { temperature: 1, topK: 30, topP: 1, nPredict: 8 };
    const text = await binding.generate(prompt, { ...sampling, seed: -1 });
    const seed = binding.getCurrentSeed();
    t.equal(await binding.generate(prompt, { ...sampling, seed }), text);
  },
  tokenize: async (t) => t.same(await binding.tokenize('a'), await binding.lm.tokenize('a')),
  detokenize: async (t) => {
    t.equal(await binding.detokenize(await binding.tokenize('Hello')), 'Hello');
  },
  tokens_list: async (t) => t.equal(typeof (await binding.detokenize([300])), 'string'),
  load_binding_config: async (t) => {
    const own = new LlamaBinding({ configDir: t.testdirName });
    await own.loadBindingConfig();
    t.match(readFileSync(own.configPath as string, 'utf8'), /topK: 20/);
  },
  save_config_file: async (t) => {
    const path = join(t.testdirName, 'x.yaml');
    await binding.saveConfigFile(path);
    t.match(readFileSync(path, 'utf8'), /temperature: 0\n/);
  },
  path: (t) => t.rejects(binding.saveConfigFile(1 as never), TypeError),
  list_models: reference,
  get_current_seed: async (t) => {
    await binding.generate(prompt, { nPredict: 1, temperature: 1, seed: 5 });
    t.equal(binding.getCurrentSeed(), 5);
  },
  reinstall_pytorch_with_cuda: async (t) => {
    t.match(await messagesOf('info', (own) => own.reinstallPytorchWithCuda()), [/build --cuda/]);
  },
  BindingBuilder: async (t) => {
    t.ok((await new BindingBuilder().build('llama')) instanceof LlamaBinding);
  },
  ModelBuilder: async (t) => {
    const builder = new ModelBuilder(binding);
    await builder.build('default');
    t.equal(builder.getModel(), binding);
  },
  LOLLMSConfig: shared,
  LollmsPaths: folders,
  TypedConfig: (t) => t.throws(() => new TypedConfig(template({ max: 3 })).set('a', 4), RangeError),
  InstallOption: (t) => t.same([1, 2, 3], Object.values(InstallOption).slice(3)),
  'InstallOption.NEVER_INSTALL': installation(InstallOption.NEVER_INSTALL, 0),
  'InstallOption.INSTALL_IF_NECESSARY': installation(InstallOption.INSTALL_IF_NECESSARY, 0),
  'InstallOption.FORCE_INSTALL': installation(InstallOption.FORCE_INSTALL, 1),
};

/** Under the heading The guide. */
export const guide: Record<string, Check> = {
  'lollms.binding': isExported('LLMBinding'),
  'lollms.paths': folders,
  'lollms.config': isExported('BaseConfig', 'TypedConfig', 'ConfigTemplate'),
  'lollms.types': (t) => t.ok(MSG_OPERATION_TYPE),
  '__init__.py': module,
  'binding.py': module,
  'config.yaml': metadata('name'),
  'logo.png': (t) => t.match(page, /`logo\.png`, Vue components/),
  'README.md': (t) => t.match(page, /^# Migrating from LoLLMs/),
  BaseConfig: (t) => t.same(new BaseConfig({ a: 1 }).toJSON(), { a: 1 }),
  ConfigTemplate: (t) => t.same(template({}).names, ['a']),
  name: (t) => t.throws(() => template({ name: '' }), RangeError),
  type: (t) => {
    const types = 'int float str string text btn file folder bool list dict'.split(' ');
    const values = [1, 1, ...Array<string>(6).fill(''), true, [], {}];
    for (const [index, type] of types.entries()) {
      t.equal(template({ type, value: values[index] }).entries[0]?.type, type);
    }
    t.throws(() => template({ type: 'number' }), TypeError);
  },
  value: (t) => t.throws(() => template({ value: 'x' }), TypeError),
  help: async (t) => {
    const path = join(t.testdirName, 'help.yaml');
    await new TypedConfig(template({ help: 'Help' })).save(path);
    t.equal(readFileSync(path, 'utf8'), '# Help\na: 1\n');
  },
  min: bounds('min'),
  max: bounds('max'),
  options: (t) => {
    t.throws(() => new TypedConfig(template({ options: [1, 2] })).set('a', 3), RangeError);
  },
  BindingType: (t) => t.equal(binding.bindingType, BindingType.TEXT),
  TEXT: bindingType('TEXT', 'text'),
  TEXT_ONLY: bindingType('TEXT_ONLY', 'text', 0),
  TEXT_IMAGE: bindingType('TEXT_IMAGE', 'text_image', 1),
  TEXT_IMAGE_VIDEO: bindingType('TEXT_IMAGE_VIDEO', 'text_image_video', 2),
  TEXT_AUDIO: bindingType('TEXT_AUDIO', 'text_audio', 3),
  MULTIMODAL: bindingType('MULTIMODAL', 'multimodal'),
  'super().build_model': async (t) => {
    await using own = new LlamaBinding({ modelsDir });
    await own.buildModel('default');
    t.equal(own.config.modelName, 'default');
  },
  get_available_models: async (t) => {
    const [model] = await binding.getAvailableModels();
    t.match(model, { sizeBytes: 1_411_200, parameters: 689_280, quantization: 'F16' });
    t.match(model, { contextSize: 512, license: 'MIT' });
  },
  'PackageManager.install_package': installs,
  generate_with_images: images,
  images: (t) => t.rejects(binding.generateWithImages(prompt, [1] as never), TypeError),
  embed: async (t) => t.same(await binding.embed(['a']), [await binding.embed('a')]),
  trace_exception: async (t) => {
    const causes: unknown[] = [];
    binding.once('error', (...args) => causes.push(...args));
    const failure = new Error('broken');
    binding.error(failure);
    t.same(causes, ['broken', failure]);
  },
  settings_updated: async (t) => {
    const { lm } = binding;
    t.same(await binding.settingsUpdated(), { changed: [], reloaded: 'nothing' });
    t.equal(binding.lm, lm);
  },
  info: event('info'),
  warning: event('warning'),
  error: event('error'),
  success: event('success'),
  stop_generation: async (t) => {
    const running = binding.generate(prompt);
    t.equal(binding.stopGeneration(), 1);
    t.equal(await running, '');
  },
  destroy_model: async (t) => {
    const own = new LlamaBinding({ modelsDir });
    await own.buildModel('default');
    await own.destroyModel();
    await t.rejects(own.generate(prompt), { code: 'CLOSED' });
  },
  count_tokens: async (t) => {
    t.equal(await binding.countTokens('Hello'), (await binding.tokenize('Hello')).length);
  },
  author: metadata('author'),
  version: metadata('version'),
  description: metadata('description'),
  url: metadata('url'),
  license: metadata('license'),
};
