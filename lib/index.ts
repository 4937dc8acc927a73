// The public API of the package's main entry. Anything not exported here is internal.

export type {
  Action,
  AutomatonBoundary,
  AutomatonJSON,
  ChooseAction,
  CompleteAction,
  Metric,
  Stop,
  TextAction,
} from './automaton/actions.js';
export type { AutoCogAction, AutoCogAutomaton } from './automaton/autocog-automata.js';
export type { AutoCogVocabulary } from './automaton/autocog-vocabularies.js';
export { Automaton } from './automaton/automaton.js';
export {
  AutomatonBuilder,
  type ChooseActionOptions,
  type CompleteActionOptions,
  type TextOptions,
} from './automaton/automaton-builder.js';
export type { TokenSource } from './automaton/token-source.js';
export type { VocabularyExpression } from './automaton/vocabulary-expression.js';
export { ChoiceLM } from './choice-lm.js';
export type { BoundaryReport } from './choose/boundary.js';
export type { Choice, ScoredChoice } from './choose/choice.js';
export type { ChoiceStream } from './choose/choice-stream.js';
export type { ChooseTask, SettledChoice } from './choose/choose-group.js';
export type {
  BoundaryKind,
  ChooseOptions,
  Normalization,
  SearchKind,
} from './choose/choose-options.js';
export type { Score } from './choose/score.js';
export type { Prompt } from './common/arguments.js';
export type { CallOptions } from './common/call-options.js';
export type { Candidate } from './common/candidate.js';
export type {
  Completion,
  CompletionChunk,
  CompletionPerformance,
  StopReason,
} from './common/completion.js';
export {
  ClosedError,
  ContextOverflowError,
  type ErrorCode,
  errorCodes,
  LMError,
  ModelLoadError,
  NotSupportedError,
  RemoteError,
} from './common/errors.js';
export { logSoftmax, logSumExp } from './common/log-softmax.js';
export type { DetokenizeOptions, TokenizeOptions } from './common/text-options.js';
export type { Cost, Timings, Usage } from './common/usage.js';
export { type WarningCode, warningCodes } from './common/warnings.js';
export type { ContextInfo } from './context/context-info.js';
export type { CacheType, ContextOptions } from './context/context-options.js';
export type { EvalOptions, Evaluation } from './context/eval.js';
export type { RopeOptions, RopeScaling } from './context/rope.js';
export type { PromptState } from './context/state.js';
export type {
  AnswerScores,
  AnswersTo,
  AnswerTo,
  BooleanAnswer,
  ChoiceAnswer,
  Decision,
  DecisionAnswer,
  DecisionOption,
  DecisionOrder,
  ScoreAnswer,
} from './decide/answer.js';
export {
  type CalibrateOptions,
  type CalibrationGroup,
  type CalibrationReport,
  calibrate,
} from './decide/calibration/calibrate.js';
export type { Calibration, Scale } from './decide/calibration/calibration.js';
export { reliabilityDiagram } from './decide/calibration/diagram.js';
export type {
  CalibrationMetrics,
  ReliabilityBin,
  Threshold,
} from './decide/calibration/metrics.js';
export type { LabelledRow, RowAnswer, Truth } from './decide/calibration/rows.js';
export { type Confidence, confidenceOf, confidences } from './decide/confidence.js';
export type { DecideOptions } from './decide/decide-options.js';
export type { Orders } from './decide/labels.js';
export type {
  BooleanQuestion,
  CheckedOption,
  CheckedQuestion,
  ChoiceCriteria,
  ChoiceQuestion,
  DecisionQuestion,
  DecisionQuestions,
  DecisionText,
  Description,
  OptionName,
  QuestionType,
  ScoreQuestion,
} from './decide/question.js';
export { readQuestions } from './decide/read-questions.js';
export {
  type DecisionMethod,
  type DecisionPrompt,
  type DecisionView,
  type RenderDecision,
  renderDecision,
} from './decide/render.js';
export type { DecisionState } from './decide/state.js';
export {
  Embedder,
  type EmbedderLoadOptions,
  type TextEmbedding,
  type TextEmbeddings,
} from './embedding/embedder.js';
export type {
  EmbeddingOptions,
  Pooling,
  VectorNormalization,
} from './embedding/embedding-options.js';
export type { RankedDocument, Ranking, RerankOptions } from './embedding/rerank.js';
export type {
  BeamOptions,
  BeamRequest,
  BeamSearchResult,
  BeamSequence,
} from './generation/beam-options.js';
export type { CompleteManyOptions, CompleteManyRequest } from './generation/complete-many.js';
export type {
  CompleteOptions,
  CompletionDefaults,
  CompletionRequest,
} from './generation/completion-options.js';
export { CompletionStream } from './generation/completion-stream.js';
export type { Emit, Generation } from './generation/generation.js';
export type { PrintOptions } from './generation/print-candidates.js';
export type { StreamPrintOptions } from './generation/stream-print.js';
export { jsonSchemaToGrammar } from './grammar/grammar.js';
export { GreedyLM, type GreedyLMOptions } from './greedy-lm.js';
export { LLaMa } from './llama.js';
export type { LLaMaLoadOptions, LLaMaOptions } from './llama-options.js';
export { LM } from './lm.js';
export type { AdapterUse, ScaledAdapter } from './model/adapter-use.js';
export type { ControlVector } from './model/control-vector.js';
export { defaultModelPath } from './model/default-model.js';
export { type GgufHeader, readGgufHeader } from './model/gguf-header.js';
export type { GgufOmitted, GgufValue } from './model/gguf-values.js';
export { Adapter, Model } from './model/model.js';
export type { ModelInfo, Vocabulary } from './model/model-info.js';
export type { FilePath, ModelOptions } from './model/model-options.js';
export { type QuantizeFallback, type QuantizeResult, quantize } from './model/quantize.js';
export type { TokenInfo } from './model/token-table.js';
export {
  type BackendModule,
  type Backends,
  type CpuVariant,
  type Device,
  getBackends,
} from './native/backends.js';
export { type LoggerOptions, type LogLevel, type LogLine, setLogger } from './native/logger.js';
export { RandomLM, type RandomLMOptions } from './random-lm.js';
export {
  type SamplerName,
  type SamplerOptions,
  SamplerSettings,
} from './sampling/sampler-settings.js';
export { samplers } from './sampling/samplers.js';
export type { AutoCogThought } from './thoughts/autocog-thoughts.js';
export type {
  EvaluateOptions,
  EvaluationProgress,
} from './thoughts/evaluate-options.js';
export type { Pruned, ThoughtNode, ThoughtStop } from './thoughts/thought-node.js';
export { type EvaluationEnd, type ThoughtPath, ThoughtTree } from './thoughts/thought-tree.js';
export type { NodeDetails } from './tree/node-details.js';
export type { BestToken, TokenChoiceNode } from './tree/token-choice-node.js';
export {
  TokenChoiceTree,
  type TokenChoiceValues,
} from './tree/token-choice-tree.js';
export type {
  SearchRequest,
  TreeLimits,
  TreeRequest,
  TreeScores,
  TreeTask,
} from './tree/tree-scoring.js';
