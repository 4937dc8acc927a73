// The public API of `autocog-lm/ai-sdk`. The core of the package does not import it.

export type { LanguageModelOptions } from './call-settings.js';
export type { DecisionModel, DecisionModelOptions } from './decision-model.js';
export type { EmbeddingModel, TextEmbedder } from './embedding-model.js';
export type { LanguageModel } from './language-model.js';
export { type AutocogLMProvider, createAutocogLM } from './provider.js';
export type { ModelIdentity, ProviderChat, ProviderSettings } from './provider-settings.js';
export type { RerankingModel } from './reranking-model.js';
