// LLMBinding: what all bindings share. A binding connects an application with one way of running
// language models, behind one interface that the application can switch at run time.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkString, checkStrings, wrongType } from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import { LMError, NotSupportedError } from '../common/errors.js';
import { checkPath } from '../model/model-options.js';
import { type BindingMetadata, readBindingMetadata } from './binding-metadata.js';
import {
  type BindingSetup,
  type LLMBindingSetup,
  readBindingSetup,
  readSharedConfig,
  type SharedConfig,
} from './binding-options.js';
import type { BindingType } from './binding-type.js';
import type { TypedConfig } from './config/typed-config.js';
import type { GenerateOptions } from './generate-options.js';
import { InstallOption } from './install-option.js';
import { MessageEmitter } from './message-emitter.js';
import { type AvailableModel, availableModel, describeFiles } from './models/available-model.js';
import { type FoundFiles, findModels, resolveReference } from './models/model-folder.js';
import { findByName } from './models/model-path.js';

/**
 * The interface of a binding, to be extended by one: `generate`, `tokenize` and `detokenize` are to
 * be implemented, and `buildModel` in most. It emits `'info'`, `'warning'`, `'error'` and
 * `'success'` with a message; without a listener, `'error'` does nothing either.
 *
 * @example
 * class Echo extends LLMBinding {
 *   async generate(prompt) { return prompt; }
 *   async tokenize(text) { return Int32Array.from(Buffer.from(text)); }
 *   async detokenize(tokens) { return Buffer.from(tokens).toString(); }
 * }
 */
export abstract class LLMBinding extends MessageEmitter implements AsyncDisposable {
  readonly #setup: BindingSetup;
  readonly #running = new Set<AbortController>();
  #installing: Promise<void> | undefined;
  #seed = -1;

  /** @throws TypeError, RangeError for invalid options */
  constructor(options?: LLMBindingSetup) {
    super();
    this.#setup = readBindingSetup(options, new.target.name || 'LLMBinding');
    this.addCommunicator(this.#setup.communicator);
  }

  get name(): string {
    return this.#setup.name;
  }

  get bindingType(): BindingType {
    return this.#setup.bindingType;
  }

  /** What all bindings share: the object that the option `config` gave. */
  get config(): SharedConfig {
    return this.#setup.config;
  }

  /** The binding's own configuration. */
  get bindingConfig(): TypedConfig {
    return this.#setup.bindingConfig;
  }

  /** The folder of the models, if there is one. */
  get modelsDir(): string | undefined {
    return this.#setup.modelsDir;
  }

  /** The endings of model files' names. */
  get supportedFileExtensions(): readonly string[] {
    return this.#setup.extensions;
  }

  /** The binding's configuration file, if there is a `configDir`. */
  get configPath(): string | undefined {
    const { configDir, name } = this.#setup;
    return configDir === undefined ? undefined : join(configDir, `${name}.yaml`);
  }

  /**
   * Continues a prompt.
   *
   * @returns the generated text, or what was generated until the callback or
   * {@link stopGeneration} stopped it
   */
  abstract generate(prompt: string, options?: GenerateOptions): Promise<string>;

  /** The token ids of a text, without special tokens. */
  abstract tokenize(text: string, options?: CallOptions): Promise<Int32Array>;

  /** The text of token ids. */
  abstract detokenize(
    tokens: Int32Array | readonly number[],
    options?: CallOptions,
  ): Promise<string>;

  /**
   * Continues a prompt with images.
   *
   * @throws NotSupportedError unless a binding supports them
   */
  async generateWithImages(
    prompt: string,
    images: readonly string[] = [],
    _options?: GenerateOptions,
  ): Promise<string> {
    checkString(prompt, 'prompt');
    checkStrings(images, 'images');
    throw new NotSupportedError(await this.whyNoImages());
  }

  /** Why there are no images, for the error of {@link generateWithImages}. */
  protected async whyNoImages(): Promise<string> {
    return `${this.name} does not support images`;
  }

  /** The embedding of a text. Throws NotSupportedError unless a binding supports it. */
  embed(text: string, options?: CallOptions): Promise<Float32Array>;
  /** The embeddings of several texts, in their order. */
  embed(texts: readonly string[], options?: CallOptions): Promise<Float32Array[]>;
  async embed(
    input: string | readonly string[],
    _options?: CallOptions,
  ): Promise<Float32Array | Float32Array[]> {
    if (!Array.isArray(input)) checkString(input, 'text');
    throw new NotSupportedError(`${this.name} does not support embeddings`);
  }

  /** The number of tokens of a text. */
  async countTokens(text: string, options?: CallOptions): Promise<number> {
    return (await this.tokenize(text, options)).length;
  }

  /**
   * Builds the model, or replaces it. Here: sets `config.modelName` and installs according to the
   * option `installation`; a binding calls this first.
   */
  async buildModel(modelName?: string): Promise<this> {
    if (modelName !== undefined && checkString(modelName, 'modelName') === '') {
      throw wrongType('a name', 'modelName', modelName);
    }
    await this.#installOnce();
    if (modelName !== undefined) this.config.modelName = modelName;
    return this;
  }

  /** Frees the model; later calls need another {@link buildModel}. Idempotent. */
  async destroyModel(): Promise<void> {}

  /** {@link destroyModel}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.destroyModel();
  }

  /**
   * Checks, or prepares, what the binding needs; {@link buildModel} calls it once, according to the
   * option `installation`. It never runs a package manager: what is missing is an error with the
   * command to run.
   */
  async install(): Promise<void> {}

  /**
   * To be called after `bindingConfig` or `config` has changed. Here: rebuilds the model. The
   * bindings of this package reload only what has changed.
   */
  async settingsUpdated(): Promise<unknown> {
    return this.buildModel();
  }

  /**
   * Stops all running generations, which return what they have. May be called from anywhere, also
   * from a callback.
   *
   * @returns how many there were
   */
  stopGeneration(): number {
    const running = [...this.#running];
    for (const controller of running) controller.abort();
    return running.length;
  }

  /**
   * The seed of the generation that was started last, with which it can be repeated; −1 if there
   * was none, or it was not random.
   */
  getCurrentSeed(): number {
    return this.#seed;
  }

  /**
   * The model's file: of a name, or of `config.modelName`. A name is a path in `modelsDir`, or a
   * file name or part of a path in upper or lower case. `.reference` files are followed.
   *
   * @returns undefined if there is no such model
   * @throws RangeError for a name that fits several models; ModelLoadError for an unreadable folder
   * or reference
   */
  async getModelPath(modelName?: string): Promise<string | undefined> {
    const name = modelName === undefined ? this.config.modelName : checkString(modelName, 'name');
    if (name === undefined || name === '') return undefined;
    const { files } = await this.#findFiles();
    const file = findByName(files, name, this.supportedFileExtensions);
    return file === undefined ? undefined : resolveReference(file.path);
  }

  /**
   * The names of the models in `modelsDir` and its subfolders, sorted, with `.reference` files.
   *
   * @throws ModelLoadError if the folder is missing or cannot be read
   */
  async listModels(): Promise<string[]> {
    const { files, unreadable } = await this.#findFiles();
    for (const { error } of unreadable) this.warning(error.message, error);
    return files.map(({ name }) => name);
  }

  /**
   * What is known of each model without loading it. One that cannot be read has an `error`, which
   * is also reported as an event `warning`.
   *
   * @throws ModelLoadError if the folder is missing or cannot be read
   */
  async getAvailableModels(): Promise<AvailableModel[]> {
    const { files, unreadable } = await this.#findFiles();
    const models = [
      ...(await describeFiles(files)),
      ...unreadable.map((folder) => availableModel(folder)),
    ];
    for (const { error } of models) if (error !== undefined) this.warning(error.message, error);
    return models;
  }

  /**
   * Reads the binding's configuration file, and creates it if there is none. Names that the
   * configuration does not have are reported as an event `warning`.
   *
   * @param path default: {@link configPath}
   * @throws LMError `CONFIG_INVALID`; no value changes then
   */
  async loadBindingConfig(path?: string): Promise<void> {
    const file = this.#fileOf(path);
    try {
      const { unknown } = await this.bindingConfig.load(file);
      if (unknown.length > 0) {
        this.warning(`${file} has unknown settings: ${unknown.join(', ')}`);
      }
    } catch (error) {
      const cause = error instanceof LMError ? (error.cause as NodeJS.ErrnoException) : undefined;
      if (path !== undefined || cause?.code !== 'ENOENT') throw error;
      await this.bindingConfig.save(file);
    }
  }

  /**
   * Writes the binding's configuration file.
   *
   * @param path default: {@link configPath}
   * @throws LMError `CONFIG_NOT_SAVED`
   */
  async saveConfigFile(path?: string): Promise<void> {
    await this.bindingConfig.save(this.#fileOf(path));
  }

  /**
   * What the files in `bindingDir` say of the binding: `config.yaml`, or else package.json.
   *
   * @throws LMError `CONFIG_INVALID`; TypeError without a `bindingDir`
   */
  async readMetadata(): Promise<BindingMetadata> {
    const { bindingDir } = this.#setup;
    if (bindingDir === undefined) throw wrongType('a folder', 'bindingDir', bindingDir);
    return readBindingMetadata(bindingDir);
  }

  /** Does nothing: there is no PyTorch here. Reports how to get the CUDA backend. */
  async reinstallPytorchWithCuda(): Promise<void> {
    this.info(
      'Nothing was installed: there is no PyTorch here. For GPUs, build the package with ' +
        'npx autocog-lm build --cuda',
    );
  }

  /**
   * Runs a generation that {@link stopGeneration} can stop.
   *
   * @param work receives the signal, and a function that stops this generation alone
   */
  protected async runGeneration<T>(
    seed: number,
    work: (stopped: AbortSignal, stop: () => void) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    this.#running.add(controller);
    this.#seed = seed;
    try {
      return await work(controller.signal, () => controller.abort());
    } finally {
      this.#running.delete(controller);
    }
  }

  /** The shared configuration, checked: it may have been changed since. */
  protected checkedConfig(): SharedConfig {
    return readSharedConfig(this.config);
  }

  #findFiles(): Promise<FoundFiles> {
    const { modelsDir, extensions } = this.#setup;
    if (modelsDir === undefined) return Promise.resolve({ files: [], unreadable: [] });
    return findModels(modelsDir, extensions);
  }

  #fileOf(path: string | undefined): string {
    const file = path ?? this.configPath;
    if (file === undefined) throw wrongType('a path, without a configDir,', 'path', path);
    return checkPath(file, 'path');
  }

  #installOnce(): Promise<void> {
    this.#installing ??= this.#installIfNecessary().catch((error: unknown) => {
      // What was missing may be there the next time.
      this.#installing = undefined;
      throw error;
    });
    return this.#installing;
  }

  async #installIfNecessary(): Promise<void> {
    const { installation } = this.#setup;
    if (installation === InstallOption.NEVER_INSTALL) return;
    const { configPath } = this;
    const isStored = configPath !== undefined && existsSync(configPath);
    if (installation === InstallOption.INSTALL_IF_NECESSARY && isStored) return;
    await this.install();
    if (configPath !== undefined && !isStored) await this.saveConfigFile();
  }
}
