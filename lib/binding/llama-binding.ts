// LlamaBinding: models in GGUF files, run by llama.cpp in this process.

import { basename, isAbsolute } from 'node:path';
import { checkString, checkStrings } from '../common/arguments.js';
import { type CallOptions, readSignal } from '../common/call-options.js';
import { ModelLoadError } from '../common/errors.js';
import { LLaMa } from '../llama.js';
import { Model } from '../model/model.js';
import { getBackends } from '../native/backends.js';
import { ConfigTemplate } from './config/config-template.js';
import type { TypedConfig } from './config/typed-config.js';
import type { SamplingOptions } from './generate-options.js';
import { LMBinding, type OpenedLM, type SettingsUpdate } from './lm-binding.js';
import { findProjector } from './models/model-path.js';
import { type OwnBindingOptions, ownSetup } from './own-config.js';

/** The settings of a {@link LlamaBinding}; -1 and 0 leave a choice to the engine. */
export const llamaTemplate = new ConfigTemplate([
  {
    name: 'gpuLayers',
    type: 'int',
    value: -1,
    min: -1,
    help: 'Layers to offload to GPUs; -1 for all',
  },
  {
    name: 'mmap',
    type: 'bool',
    value: true,
    help: 'Map the file into memory instead of reading it',
  },
  { name: 'mlock', type: 'bool', value: false, help: 'Keep the model in RAM' },
  {
    name: 'contextSize',
    type: 'int',
    value: 0,
    min: 0,
    help: 'Tokens of a prompt and its continuation; 0 for what the model was trained with, at most 4096',
  },
  {
    name: 'batchSize',
    type: 'int',
    value: 0,
    min: 0,
    help: 'Tokens decoded at once; 0 for the default',
  },
  { name: 'threads', type: 'int', value: 0, min: 0, max: 512, help: '0 for the physical cores' },
  { name: 'flashAttention', type: 'bool', value: false, help: 'Use flash attention' },
  {
    name: 'kvCacheType',
    type: 'str',
    value: 'f16',
    options: ['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0', 'iq4_nl'],
    help: 'The type of the KV cache; a quantized one needs flash attention',
  },
  { name: 'seed', type: 'int', value: -1, min: -1, max: 2 ** 32 - 1, help: '-1 for a random one' },
  { name: 'temperature', type: 'float', value: 0.5, min: 0, help: '0 for the most likely token' },
  { name: 'topK', type: 'int', value: 20, min: 0, help: 'Keep the most likely tokens; 0 for all' },
  { name: 'topP', type: 'float', value: 0.85, min: 0, max: 1, help: 'Keep this much probability' },
  {
    name: 'minP',
    type: 'float',
    value: 0,
    min: 0,
    max: 1,
    help: 'Keep above this fraction of the best',
  },
  { name: 'repeatPenalty', type: 'float', value: 1, min: 0.001, max: 1000, help: '1 for none' },
]);

/** Options of {@link LlamaBinding}. */
export type LlamaBindingOptions = OwnBindingOptions<(typeof llamaTemplate)['entries']>;

const modelSettings: readonly string[] = ['gpuLayers', 'mmap', 'mlock'];
const samplingSettings = ['seed', 'temperature', 'topK', 'topP', 'minP', 'repeatPenalty'] as const;

/**
 * Models in GGUF files, in the folder `modelsDir` and its subfolders, or elsewhere by an absolute
 * path or a `.reference` file.
 *
 * @example
 * await using binding = new LlamaBinding({ modelsDir: 'models' });
 * await binding.buildModel('default');
 * await binding.generate('The sky is', { nPredict: 8 });
 */
export class LlamaBinding extends LMBinding {
  /** The model's file while a model is built, shared by the contexts that replace each other. */
  #model: Model | undefined;

  /** @throws TypeError, RangeError for invalid options */
  constructor(options?: LlamaBindingOptions) {
    super(ownSetup(options, llamaTemplate, 'LlamaBinding'));
  }

  override get bindingConfig(): TypedConfig<(typeof llamaTemplate)['entries']> {
    return super.bindingConfig as unknown as TypedConfig<(typeof llamaTemplate)['entries']>;
  }

  /** Reports the engine and its devices as an event `info`. */
  override async install(): Promise<void> {
    const { llamaVersion, devices } = getBackends();
    const names = devices.map(({ name, description }) => `${name} (${description})`).join(', ');
    this.info(`llama.cpp ${llamaVersion} on ${names}`);
  }

  override async getModelPath(modelName?: string): Promise<string | undefined> {
    const name = modelName ?? this.config.modelName;
    if (typeof name === 'string' && isAbsolute(name)) return name;
    return super.getModelPath(modelName);
  }

  override embed(text: string, options?: CallOptions): Promise<Float32Array>;
  override embed(texts: readonly string[], options?: CallOptions): Promise<Float32Array[]>;
  override async embed(
    input: string | readonly string[],
    options?: CallOptions,
  ): Promise<Float32Array | Float32Array[]> {
    const signal = readSignal(options);
    const texts = Array.isArray(input)
      ? checkStrings(input, 'texts')
      : [checkString(input, 'text')];
    const { embeddings } = await this.useLM((lm) => (lm as LLaMa).embed(texts, { signal }));
    return Array.isArray(input) ? embeddings : (embeddings[0] as Float32Array);
  }

  protected override async whyNoImages(): Promise<string> {
    const path = await this.getModelPath();
    if (path === undefined) return `${this.name} does not support images`;
    const projector = await findProjector(path);
    if (projector === undefined) {
      const stem = basename(path).replace(/\.gguf$/i, '');
      return (
        `Images need a projector: looked for a file such as mmproj-${stem}.gguf ` +
        `next to ${path}, and found none`
      );
    }
    return `Images are not supported yet; the projector ${projector} is not used`;
  }

  protected override async openLM(name: string, scope: 'model' | 'context'): Promise<OpenedLM> {
    const shared = scope === 'context' ? this.#model : undefined;
    if (shared !== undefined) return { lm: await this.#openContext(shared) };
    const path = await this.getModelPath(name);
    if (path === undefined) {
      const where = this.modelsDir === undefined ? 'no modelsDir' : `${this.modelsDir}`;
      throw new ModelLoadError(`There is no model ${name} in ${where}`);
    }
    this.info(`Loading ${path}`);
    const { gpuLayers, mmap, mlock } = this.bindingConfig.values;
    const model = await Model.load(path, {
      gpuLayers: gpuLayers === -1 ? 'all' : gpuLayers,
      mmap,
      mlock,
    });
    try {
      const lm = await this.#openContext(model);
      // It is freed with the last context that uses it.
      await this.#model?.close();
      this.#model = model;
      return { lm };
    } catch (error) {
      await model.close();
      throw error;
    }
  }

  protected override reloads(changed: readonly string[]): SettingsUpdate['reloaded'] {
    if (changed.some((name) => modelSettings.includes(name))) return 'model';
    const others = changed.filter(
      (name) => !(samplingSettings as readonly string[]).includes(name),
    );
    return others.length > 0 ? 'context' : 'nothing';
  }

  protected override samplingOf(named: SamplingOptions): SamplingOptions {
    const { seed, temperature, topK, topP, minP, repeatPenalty } = this.bindingConfig.values;
    return { seed, temperature, topK, topP, minP, repeatPenalty, ...named };
  }

  protected override async modelDestroyed(): Promise<void> {
    const model = this.#model;
    this.#model = undefined;
    await model?.close();
  }

  async #openContext(model: Model): Promise<LLaMa> {
    const { contextSize, batchSize, threads, flashAttention, kvCacheType } =
      this.bindingConfig.values;
    const lm = new LLaMa(model, {
      ...(contextSize === 0 ? {} : { contextSize }),
      ...(batchSize === 0 ? {} : { batchSize }),
      ...(threads === 0 ? {} : { threads }),
      flashAttention,
      kvCacheTypeK: kvCacheType,
      kvCacheTypeV: kvCacheType,
    });
    try {
      await lm.ready;
      return lm;
    } catch (error) {
      await lm.close();
      throw error;
    }
  }
}
