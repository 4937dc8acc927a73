// The public API of `autocog-lm/binding`. The core of the package does not import it.

export { BindingBuilder } from './binding-builder.js';
export type { BindingMetadata } from './binding-metadata.js';
export type {
  LLMBindingOptions,
  LLMBindingSetup,
  SharedConfig,
} from './binding-options.js';
export { BindingType } from './binding-type.js';
export type { CallbackMetadata, GenerationCallback } from './callback.js';
export { BaseConfig } from './config/base-config.js';
export {
  type ConfigEntry,
  ConfigTemplate,
  type ConfigType,
  type ConfigValues,
} from './config/config-template.js';
export type { ConfigValue } from './config/config-value.js';
export { TypedConfig } from './config/typed-config.js';
export {
  type GenerateOptions,
  generationPresets,
  type SamplingOptions,
} from './generate-options.js';
export { InstallOption } from './install-option.js';
export { LlamaBinding, type LlamaBindingOptions } from './llama-binding.js';
export { LLMBinding } from './llm-binding.js';
export { LMBinding, type OpenedLM, type SettingsUpdate } from './lm-binding.js';
export {
  type BindingEvent,
  type BindingEvents,
  type Communicator,
  MessageEmitter,
} from './message-emitter.js';
export { ModelBuilder } from './model-builder.js';
export type { AvailableModel } from './models/available-model.js';
export { OpenAIBinding, type OpenAIBindingOptions } from './openai-binding.js';
export { MSG_OPERATION_TYPE } from './operation-type.js';
export { TransformersBinding, type TransformersBindingOptions } from './transformers-binding.js';
