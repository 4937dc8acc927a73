// The types of the entry as a strict user's compiler sees them, with exactOptionalPropertyTypes.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import t from 'tap';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

const folder = t.testdir({
  'esm.mts': `
    import { LLaMa, defaultModelPath, readGgufHeader, type GgufHeader } from 'autocog-lm';
    import {
      BaseConfig, BindingBuilder, BindingType, type CallbackMetadata, ConfigTemplate, type ConfigValues,
      type GenerateOptions, InstallOption, LlamaBinding, LLMBinding, type LLMBindingOptions, LMBinding,
      ModelBuilder, MSG_OPERATION_TYPE, OpenAIBinding, TransformersBinding, TypedConfig,
    } from 'autocog-lm/binding';

    const template = new ConfigTemplate([
      { name: 'apiKey', type: 'str', value: '' },
      { name: 'temperature', type: 'float', value: 0.7, min: 0, max: 1 },
      { name: 'device', type: 'str', value: 'cpu', options: ['cpu', 'gpu'] },
      { name: 'fast', type: 'bool', value: true },
      { name: 'stops', type: 'list', value: [] },
    ]);
    const config = new TypedConfig(template, new BaseConfig({ temperature: 0.5 }));
    const temperature: number = config.values.temperature;
    const device: 'cpu' | 'gpu' = config.get('device');
    const all: ConfigValues<typeof template.entries> = config.toJSON();
    config.values.fast = false;
    config.set('device', 'gpu');
    config.update({ apiKey: 'x', temperature });
    // @ts-expect-error no such device
    config.values.device = 'tpu';
    // @ts-expect-error a text
    config.set('apiKey', 1);
    // @ts-expect-error no such setting
    config.get('missing');

    class Own extends LLMBinding {
      constructor(options: LLMBindingOptions = {}) {
        super({ ...options, bindingConfig: config, bindingType: BindingType.TEXT_IMAGE });
      }
      override async generate(prompt: string, { nPredict = 128, callback }: GenerateOptions = {}) {
        const metadata: CallbackMetadata = { tokensGenerated: 1, maxTokens: nPredict, tokenCount: 1 };
        callback?.(prompt, MSG_OPERATION_TYPE.MSG_OPERATION_TYPE_ADD_CHUNK, metadata);
        return prompt;
      }
      override async tokenize(text: string) { return Int32Array.from(Buffer.from(text)); }
      override async detokenize(tokens: Int32Array | readonly number[]) { return String(tokens.length); }
    }
    class Over extends LMBinding {
      protected override async openLM(path: string) { return { lm: await LLaMa.load(path) }; }
    }
    // @ts-expect-error generate is abstract
    class Half extends LLMBinding {}

    const bindings: LLMBinding[] = [
      new Own({ installation: InstallOption.NEVER_INSTALL }),
      new Over(),
      new LlamaBinding({ modelsDir: 'models', bindingConfig: { topK: 3, kvCacheType: 'q8_0' } }),
      new OpenAIBinding({ bindingConfig: { api: 'chat' } }),
      new TransformersBinding(),
      await new BindingBuilder().build('llama', { modelsDir: 'models' }),
    ];
    for (const binding of bindings) {
      binding.on('warning', (message: string, cause?: unknown) => console.log(message, cause));
      const text: string = await binding.generate('x', {
        nPredict: 3,
        temperature: 0,
        callback: (chunk, type, { progress, finishReason }) => {
          const reason: string | undefined = finishReason;
          const part: number | undefined = progress;
          return chunk !== 'stop' && type === 0 && reason === undefined && part !== 1;
        },
      });
      const one: Float32Array = await binding.embed(text);
      const many: Float32Array[] = await binding.embed([text]);
      const names: string[] = (await binding.getAvailableModels()).map(({ name }) => name);
      console.log(one, many, names);
    }
    const llama = new LlamaBinding();
    llama.bindingConfig.values.contextSize = 64;
    const { reloaded }: { reloaded: 'model' | 'context' | 'nothing' } = await llama.settingsUpdated();
    const builder: ModelBuilder<LlamaBinding> = new ModelBuilder(llama);
    const header: GgufHeader = await readGgufHeader(defaultModelPath);
    console.log(device, all.stops, reloaded, builder.getModel().modelName, header.parameters, Half);
    // @ts-expect-error no such option
    await llama.generate('x', { n_predict: 1 });
    // @ts-expect-error no such setting
    new LlamaBinding({ bindingConfig: { context: 1 } });
    // @ts-expect-error no such value
    new LlamaBinding({ bindingConfig: { kvCacheType: 'q9' } });
  `,
  'commonjs.cts': `
    import binding = require('autocog-lm/binding');
    void new binding.LlamaBinding().buildModel('x').then((built: binding.LlamaBinding) => built.lm);
  `,
});

for (const library of ['es2022', 'esnext']) {
  t.test(`with the library types of ${library}`, async (t) => {
    const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext'];
    const strict = ['--noUncheckedIndexedAccess', '--noImplicitOverride', '--types', 'node'];
    const files = ['esm.mts', 'commonjs.cts'].map((file) => join(folder, file));
    const args = [tsc, ...flags, ...strict, '--target', library, '--lib', library, ...files];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    t.equal(stdout, '');
    t.equal(status, 0);
  });
}

t.test('the ESM and CommonJS builds have the same exports', async (t) => {
  const esm = await import('autocog-lm/binding');
  const commonjs = createRequire(import.meta.url)('autocog-lm/binding');
  t.same(Object.keys(commonjs).sort(), Object.keys(esm).sort());
});
