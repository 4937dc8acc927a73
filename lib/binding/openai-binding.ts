// OpenAIBinding: models of an OpenAI-compatible server.

import { checkString, checkStrings } from '../common/arguments.js';
import { type CallOptions, readSignal } from '../common/call-options.js';
import { requirePeer } from '../common/peers.js';
import { OpenAI, type OpenAIOptions } from '../openai/index.js';
import { ConfigTemplate } from './config/config-template.js';
import type { TypedConfig } from './config/typed-config.js';
import type { SamplingOptions } from './generate-options.js';
import { LMBinding, type OpenedLM, type SettingsUpdate } from './lm-binding.js';
import { type AvailableModel, availableModel } from './models/available-model.js';
import { type OwnBindingOptions, ownSetup } from './own-config.js';

/** The settings of an {@link OpenAIBinding}. */
export const openaiTemplate = new ConfigTemplate([
  {
    name: 'baseURL',
    type: 'str',
    value: '',
    help: 'The server, including /v1; empty for OPENAI_BASE_URL, or OpenAI',
  },
  { name: 'apiKey', type: 'str', value: '', help: 'Empty for OPENAI_API_KEY, or none' },
  {
    name: 'api',
    type: 'str',
    value: 'auto',
    options: ['auto', 'completions', 'chat'],
    help: 'How to generate: auto for completions if the server has them',
  },
  { name: 'systemPrompt', type: 'text', value: '', help: 'The system message of chats' },
  { name: 'contextSize', type: 'int', value: 0, min: 0, help: '0 for what the server reports' },
  { name: 'timeout', type: 'int', value: 60_000, min: 1, help: 'Milliseconds without data' },
  { name: 'retries', type: 'int', value: 5, min: 1, help: 'The most attempts per request' },
  { name: 'seed', type: 'int', value: -1, min: -1, max: 2 ** 32 - 1, help: '-1 for a random one' },
  {
    name: 'temperature',
    type: 'float',
    value: 0.5,
    min: 0,
    max: 2,
    help: '0 for the most likely token',
  },
  { name: 'topP', type: 'float', value: 0.85, min: 0, max: 1, help: 'Keep this much probability' },
]);

/** Options of {@link OpenAIBinding}. */
export type OpenAIBindingOptions = OwnBindingOptions<(typeof openaiTemplate)['entries']>;

const samplingSettings: readonly string[] = ['seed', 'temperature', 'topP'];

/**
 * Models of an OpenAI-compatible server. Building a model sends no request. Sampling is limited to
 * what the API can express: see docs/openai.md.
 *
 * @example
 * const binding = new OpenAIBinding({ bindingConfig: { baseURL: 'http://127.0.0.1:8080/v1' } });
 * const [name] = await binding.listModels();
 * await binding.buildModel(name);
 */
export class OpenAIBinding extends LMBinding {
  /** @throws TypeError, RangeError for invalid options */
  constructor(options?: OpenAIBindingOptions) {
    super(ownSetup(options, openaiTemplate, 'OpenAIBinding'));
  }

  override get bindingConfig(): TypedConfig<(typeof openaiTemplate)['entries']> {
    return super.bindingConfig as unknown as TypedConfig<(typeof openaiTemplate)['entries']>;
  }

  /** Checks that the package openai is there. Throws LMError `PEER_MISSING`. */
  override async install(): Promise<void> {
    requirePeer('openai', 'OpenAIBinding');
    this.info('The package openai is installed');
  }

  /** The names of the server's models. Throws RemoteError. */
  override async listModels(): Promise<string[]> {
    return (await this.getAvailableModels()).map(({ name }) => name);
  }

  /** What the server reports of its models. Throws RemoteError. */
  override async getAvailableModels(): Promise<AvailableModel[]> {
    await using lm = this.#connect('any');
    const models = await lm.listModels();
    return models.map(({ id, contextSize }) => availableModel({ name: id, contextSize }));
  }

  /** Undefined: the models are the server's. */
  override async getModelPath(modelName?: string): Promise<undefined> {
    if (modelName !== undefined) checkString(modelName, 'name');
    return undefined;
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
    const { embeddings } = await this.useLM((lm) => (lm as OpenAI).embed(texts, { signal }));
    return Array.isArray(input) ? embeddings : (embeddings[0] as Float32Array);
  }

  protected override async openLM(name: string): Promise<OpenedLM> {
    return { lm: this.#connect(name) };
  }

  protected override reloads(changed: readonly string[]): SettingsUpdate['reloaded'] {
    return changed.every((name) => samplingSettings.includes(name)) ? 'nothing' : 'model';
  }

  protected override samplingOf(named: SamplingOptions): SamplingOptions {
    const { seed, temperature, topP } = this.bindingConfig.values;
    return { seed, temperature, topP, ...named };
  }

  #connect(model: string): OpenAI {
    const { baseURL, apiKey, api, systemPrompt, contextSize, timeout, retries } =
      this.bindingConfig.values;
    const options: OpenAIOptions = { model, api, timeout, retries };
    if (baseURL !== '') options.baseURL = baseURL;
    if (apiKey !== '') options.apiKey = apiKey;
    if (systemPrompt !== '') options.systemPrompt = systemPrompt;
    if (contextSize !== 0) options.contextSize = contextSize;
    return new OpenAI(options);
  }
}
