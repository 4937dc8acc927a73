// The package's public names, every one of them: what is not here is not to be relied on.

export { Adapter, type AdapterUse, type ScaledAdapter } from './adapter.js';
export type { Prompt } from './arguments.js';
export { type Backends, type Device, getBackends } from './backends.js';
export type {
  BeamOptions,
  BeamRequest,
  BeamSearchResult,
  BeamSequence,
} from './beam-options.js';
export type { BoundaryReport } from './boundary.js';
export type { CallOptions } from './call-options.js';
export type { Candidate } from './candidates.js';
export type { Choice, ScoredChoice } from './choice.js';
export { ChoiceLM } from './choice-lm.js';
export type { ChoiceStream } from './choice-stream.js';
export type { ChooseTask, SettledChoice } from './choose-group.js';
export type { BoundaryKind, ChooseOptions, Normalization, SearchKind } from './choose-options.js';
export type { CompleteManyOptions, CompleteManyRequest } from './complete-many.js';
export type {
  CompleteOptions,
  Completion,
  CompletionChunk,
  CompletionDefaults,
  CompletionPerformance,
  CompletionRequest,
  StopReason,
} from './completion.js';
export { CompletionStream } from './completion-stream.js';
export type { ContextInfo } from './context-info.js';
export type { CacheType, ContextOptions } from './context-options.js';
export type { ControlVector } from './control-vector.js';
export { defaultModelPath } from './default-model.js';
export {
  Embedder,
  type EmbedderLoadOptions,
  type TextEmbedding,
  type TextEmbeddings,
} from './embedder.js';
export type { EmbeddingOptions, Pooling, VectorNormalization } from './embedding-options.js';
export {
  ClosedError,
  ContextOverflowError,
  type ErrorCode,
  errorCodes,
  LMError,
  ModelLoadError,
  NotSupportedError,
  RemoteError,
} from './errors.js';
export type { EvalOptions, Evaluation } from './eval.js';
export type { Emit, Generation } from './generate.js';
export { jsonSchemaToGrammar } from './grammar.js';
export { GreedyLM, type GreedyLMOptions } from './greedy-lm.js';
export { LLaMa } from './llama.js';
export type { LLaMaLoadOptions, LLaMaOptions } from './llama-options.js';
export { type DetokenizeOptions, LM, type TokenizeOptions } from './lm.js';
export { logSoftmax, logSumExp } from './log-softmax.js';
export { type LoggerOptions, type LogLevel, type LogLine, setLogger } from './logger.js';
export { Model } from './model.js';
export type { ModelInfo, Vocabulary } from './model-info.js';
export type { ModelOptions } from './model-options.js';
export type { PrintOptions } from './print-candidates.js';
export { quantize } from './quantize.js';
export type { RankedDocument, Ranking, RerankOptions } from './rerank.js';
export type { RopeOptions, RopeScaling } from './rope.js';
export { type SamplerName, type SamplerOptions, SamplerSettings } from './sampler-settings.js';
export { samplers } from './samplers.js';
export type { Score } from './score.js';
export type { PromptState } from './state.js';
export type { StreamPrintOptions } from './stream-print.js';
export type { BestToken, TokenChoiceNode } from './token-choice-node.js';
export {
  TokenChoiceTree,
  type TokenChoiceValues,
} from './token-choice-tree.js';
export type { TokenInfo } from './token-table.js';
export type {
  NodeDetails,
  SearchRequest,
  TreeLimits,
  TreeRequest,
  TreeScores,
  TreeTask,
} from './tree-scoring.js';
export type { Cost, Timings, Usage } from './usage.js';
export { type WarningCode, warningCodes } from './warnings.js';
