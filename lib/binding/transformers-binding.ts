// TransformersBinding: models of Hugging Face Transformers in ONNX format.

import { type Dirent, existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { checkString } from '../common/arguments.js';
import { ModelLoadError } from '../common/errors.js';
import { requirePeer } from '../common/peers.js';
import { TfLM, type TfLMLoadOptions } from '../transformers/index.js';
import { ConfigTemplate } from './config/config-template.js';
import type { TypedConfig } from './config/typed-config.js';
import { LMBinding, type OpenedLM } from './lm-binding.js';
import { type AvailableModel, availableModel } from './models/available-model.js';
import type { FoundFile } from './models/model-folder.js';
import { findByName } from './models/model-path.js';
import { describeFolder } from './models/onnx-folder.js';
import { type OwnBindingOptions, ownSetup } from './own-config.js';

/** The settings of a {@link TransformersBinding}. */
export const transformersTemplate = new ConfigTemplate([
  {
    name: 'device',
    type: 'str',
    value: '',
    options: ['', 'auto', 'gpu', 'cpu', 'cuda', 'webgpu', 'dml', 'coreml'],
    help: "Where the model runs; empty for its config's choice, or the CPU",
  },
  {
    name: 'dtype',
    type: 'str',
    value: '',
    options: [
      '',
      'auto',
      'fp32',
      'fp16',
      'q8',
      'int8',
      'uint8',
      'q4',
      'bnb4',
      'q4f16',
      'q2',
      'q2f16',
      'q1',
      'q1f16',
    ],
    help: "Which of the model's files to load; empty for its config's choice, or fp32",
  },
  { name: 'contextSize', type: 'int', value: 0, min: 0, help: "0 for the model's own" },
  { name: 'threads', type: 'int', value: 0, min: 0, help: "0 for ONNX Runtime's choice" },
  { name: 'localFilesOnly', type: 'bool', value: true, help: 'Never download a model' },
  {
    name: 'cacheDir',
    type: 'folder',
    value: '',
    help: 'The download cache; empty for the default',
  },
]);

/** Options of {@link TransformersBinding}. */
export type TransformersBindingOptions = OwnBindingOptions<
  (typeof transformersTemplate)['entries']
>;

/**
 * Models of Hugging Face Transformers in ONNX format: folders of `modelsDir`, or ids of the hub if
 * `localFilesOnly` is false. They decode greedily: any other sampling is a NotSupportedError.
 *
 * @example
 * await using binding = new TransformersBinding({ modelsDir: 'onnx-models' });
 * await binding.buildModel('gpt2');
 */
export class TransformersBinding extends LMBinding {
  /** @throws TypeError, RangeError for invalid options */
  constructor(options?: TransformersBindingOptions) {
    super(ownSetup(options, transformersTemplate, 'TransformersBinding'));
  }

  override get bindingConfig(): TypedConfig<(typeof transformersTemplate)['entries']> {
    return super.bindingConfig as unknown as TypedConfig<(typeof transformersTemplate)['entries']>;
  }

  /** Checks that the package is there. Throws LMError `PEER_MISSING`. */
  override async install(): Promise<void> {
    requirePeer('@huggingface/transformers', 'TransformersBinding');
    this.info('The package @huggingface/transformers is installed');
  }

  override async listModels(): Promise<string[]> {
    return (await this.#findFolders()).map(({ name }) => name);
  }

  override async getAvailableModels(): Promise<AvailableModel[]> {
    const models: AvailableModel[] = [];
    for (const folder of await this.#findFolders()) {
      const model = availableModel({ ...folder, ...(await describeFolder(folder.path)) });
      if (model.error !== undefined) this.warning(model.error.message, model.error);
      models.push(model);
    }
    return models;
  }

  /** The model's folder, by the same rules as those of files. */
  override async getModelPath(modelName?: string): Promise<string | undefined> {
    const name = modelName === undefined ? this.config.modelName : checkString(modelName, 'name');
    if (name === undefined || name === '') return undefined;
    return findByName(await this.#findFolders(), name, [])?.path;
  }

  protected override async openLM(name: string): Promise<OpenedLM> {
    const { device, dtype, contextSize, threads, localFilesOnly, cacheDir } =
      this.bindingConfig.values;
    const path = await this.getModelPath(name);
    this.info(`Loading ${path ?? name}`);
    const options: TfLMLoadOptions = { localFilesOnly };
    if (device !== '') options.device = device;
    if (dtype !== '') options.dtype = dtype;
    if (contextSize !== 0) options.contextSize = contextSize;
    if (threads !== 0) options.threads = threads;
    if (cacheDir !== '') options.cacheDir = cacheDir;
    return { lm: await TfLM.load(path ?? name, options) };
  }

  /** Folders with a config.json, in `modelsDir` and one level below, as the hub names models. */
  async #findFolders(): Promise<FoundFile[]> {
    const { modelsDir } = this;
    if (modelsDir === undefined) return [];
    const found: FoundFile[] = [];
    for (const outer of await foldersIn(modelsDir)) {
      const path = resolve(modelsDir, outer);
      if (existsSync(join(path, 'config.json'))) found.push({ name: outer, path });
      else {
        for (const inner of await foldersIn(path).catch((): string[] => [])) {
          const deeper = join(path, inner);
          if (existsSync(join(deeper, 'config.json'))) {
            found.push({ name: `${outer}/${inner}`, path: deeper });
          }
        }
      }
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** The names of the folders in a folder. */
async function foldersIn(path: string): Promise<string[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (cause) {
    throw new ModelLoadError(`Cannot list the models in ${path}`, { cause });
  }
  const folders: string[] = [];
  for (const entry of entries) {
    const isFolder =
      entry.isDirectory() ||
      (entry.isSymbolicLink() &&
        (await stat(join(path, entry.name)).then(
          (stats) => stats.isDirectory(),
          () => false,
        )));
    if (isFolder) folders.push(entry.name);
  }
  return folders;
}
