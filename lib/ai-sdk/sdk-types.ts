// The types of the AI SDK's provider contract, version 4. Types only: nothing is imported at run time, so
// that its ES modules are no obstacle to CommonJS.

export type DecisionModelV4 = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).Experimental_DecisionModelV4;
export type DecisionModelV4Answer = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).Experimental_DecisionModelV4Answer;
export type DecisionModelV4CallOptions = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).Experimental_DecisionModelV4CallOptions;
export type DecisionModelV4Question = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).Experimental_DecisionModelV4Question;
export type DecisionModelV4Result = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).Experimental_DecisionModelV4Result;
export type EmbeddingModelV4 = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).EmbeddingModelV4;
export type EmbeddingModelV4CallOptions = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).EmbeddingModelV4CallOptions;
export type EmbeddingModelV4Result = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).EmbeddingModelV4Result;
export type JSONObject = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).JSONObject;
export type LanguageModelV4 = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).LanguageModelV4;
export type LanguageModelV4CallOptions = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).LanguageModelV4CallOptions;
export type LanguageModelV4FinishReason = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).LanguageModelV4FinishReason;
export type LanguageModelV4GenerateResult = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).LanguageModelV4GenerateResult;
export type LanguageModelV4Prompt = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).LanguageModelV4Prompt;
export type LanguageModelV4StreamPart = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).LanguageModelV4StreamPart;
export type LanguageModelV4StreamResult = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).LanguageModelV4StreamResult;
export type LanguageModelV4Usage = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).LanguageModelV4Usage;
export type RerankingModelV4 = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).RerankingModelV4;
export type RerankingModelV4CallOptions = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).RerankingModelV4CallOptions;
export type RerankingModelV4Result = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).RerankingModelV4Result;
export type SharedV4ProviderMetadata = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).SharedV4ProviderMetadata;
export type SharedV4ProviderOptions = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).SharedV4ProviderOptions;
export type SharedV4Warning = import('@ai-sdk/provider', { with: {
  'resolution-mode': 'import',
}}).SharedV4Warning;
