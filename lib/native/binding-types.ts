// The plain data that crosses to native code and back; `lib/native/binding.ts` has the functions that take
// and give it.

/**
 * What a native job cost, as numbers in this order: prompt tokens, cached tokens, decoded
 * tokens, padding tokens, decode calls, then milliseconds waiting in the queue, on the
 * prompt, on decoding what was asked for, and on reading probabilities from logits.
 */
export type NativeUsage = Float64Array;

/** Every field is present; `lib/model/model.ts` sets the defaults. */
export interface NativeModelOptions {
  /** Layers to offload; negative for all. */
  gpuLayers: number;
  /** Names from `devices()`; empty for the engine's own choice. */
  devices: string[];
  splitMode: 'none' | 'layer' | 'row';
  mainGpu: number;
  tensorSplit: Float32Array;
  rpcServers: string[];
  mmap: boolean;
  mlock: boolean;
  vocabOnly: boolean;
  checkTensors: boolean;
  /** Alternating: keys, and values of the same index. Integers are bigint. */
  overrideKeys: string[];
  overrideValues: (string | number | bigint | boolean)[];
}

export interface NativeModelInfo {
  path: string;
  description: string;
  architecture: string;
  parameters: number;
  sizeBytes: number;
  trainContextSize: number;
  layers: number;
  embeddingSize: number;
  heads: number;
  headsKV: number;
  slidingWindow: number;
  hasEncoder: boolean;
  hasDecoder: boolean;
  recurrent: boolean;
  hybrid: boolean;
  diffusion: boolean;
  vocabOnly: boolean;
  /** Whether positions are rotary; the next three mean nothing without. */
  rope: boolean;
  ropeFrequencyBaseTrain: number;
  ropeFrequencyScaleTrain: number;
  ropeScalingTrain: string;
  gpuLayers: number;
  chatTemplate: string | undefined;
}

/** Token ids are −1 where the model has no such token. */
export interface NativeVocab {
  size: number;
  type: 'none' | 'spm' | 'bpe' | 'wpm' | 'ugm' | 'rwkv' | 'plamo2' | 'test';
  bos: number;
  eos: number;
  eot: number;
  nl: number;
  pad: number;
  sep: number;
  mask: number;
  fimPre: number;
  fimSuf: number;
  fimMid: number;
  addBos: boolean;
  addEos: boolean;
  /** Whether a separator stands between a query and a document. */
  addSep: boolean;
  /** Every token that ends a generation, ascending. */
  endOfGeneration: Int32Array;
}

/** By token id; `attributes` are the bits of llama.cpp's `llama_token_attr`. */
export interface NativeTokenTable {
  /** UTF-8, one text after the other, and where each ends. */
  bytes: Uint8Array;
  ends: Int32Array;
  scores: Float32Array;
  attributes: Int32Array;
}

/** Every field is present; `lib/context/context-options.ts` sets the defaults. */
export interface NativeSessionOptions {
  contextSize: number;
  batchSize: number;
  microBatchSize: number;
  /** Prompt slots and branches together, at most 256. */
  maxSequences: number;
  /** How many of the sequences keep prompts. */
  promptSlots: number;
  threads: number;
  threadsBatch: number;
  flashAttention: 'auto' | 'on' | 'off';
  kvCacheTypeK: string;
  kvCacheTypeV: string;
  offloadKqv: boolean;
  /** Bytes that one decode's logits may take. */
  logitsBudget: number;
  ropeFrequencyBase: number;
  ropeFrequencyScale: number;
  /** `'model'`: as the model was trained. */
  ropeScaling: 'model' | 'none' | 'linear' | 'yarn' | 'longrope';
  /** Negative for the engine's choice, here and below. */
  yarnExtFactor: number;
  yarnAttnFactor: number;
  yarnBetaFast: number;
  yarnBetaSlow: number;
  /** 0 for the model's. */
  yarnOrigCtx: number;
}

export interface NativeSessionInfo {
  contextSize: number;
  batchSize: number;
  microBatchSize: number;
  maxSequences: number;
  promptSlots: number;
  threads: number;
  threadsBatch: number;
  /** Most rows of logits that one decode gives. */
  maxRows: number;
  /** Whether it is in effect. */
  flashAttention: boolean;
}

export interface NativeEval {
  /** rows × vocabulary, row-major. */
  logits: Float32Array;
  usage: NativeUsage;
}

export interface NativeCandidates {
  tokens: Int32Array;
  logprobs: Float64Array;
  usage: NativeUsage;
}

export interface NativeTreeScores {
  /**
   * Per node: natural log-probability of its token given its path; 0 for the root and for given
   * tokens; NaN where a search did not look.
   */
  logprobs: Float64Array;
  /** Per node: log-probability that one of the end tokens follows; NaN where not asked. */
  ends: Float64Array;
  /** As `NodeDetails` of `lib/tree/tree-scoring.ts`; empty unless asked for. */
  entropies: Float64Array;
  bestTokens: Int32Array;
  bestLogprobs: Float64Array;
  ranks: Int32Array;
  usage: NativeUsage;
}

/** Every field is present; `lib/native/generation.ts` fills them in. */
export interface NativeGenerationOptions {
  maxTokens: number;
  /** Texts, none empty. */
  stops: string[];
  stopTokens: Int32Array;
  includeStop: boolean;
  /** How many of the likeliest tokens to tell per token. */
  alternatives: number;
  contextShift: boolean;
  /** Tokens of the prompt that a context shift keeps. */
  keep: number;
}

export interface NativeGeneration {
  /** Every token that was generated, those of a stop included. */
  tokens: Int32Array;
  /** One per token. */
  logprobs: Float64Array;
  /** `alternatives` tokens per token, best first, with their log-probabilities. */
  alternatives: Int32Array;
  alternativeLogprobs: Float64Array;
  text: string;
  stopReason: 'eog' | 'stopString' | 'stopToken' | 'length' | 'context' | 'abort';
  /** Index of the stop that was met, or −1. */
  stop: number;
  /** Milliseconds from the job's start to the first token, and from there to the last. */
  firstTokenMs: number;
  writeMs: number;
  usage: NativeUsage;
}

/**
 * Gets what was written, in order: per piece the index of its prompt, its token (−1 where it is
 * but text that was held back) with its log-probability, its text; per piece with a token, the
 * alternatives.
 */
export type NativeOnPieces = (
  prompts: Int32Array,
  tokens: Int32Array,
  logprobs: Float64Array,
  texts: string[],
  alternatives: Int32Array,
  alternativeLogprobs: Float64Array,
) => void;

/** One text of a beam search. */
export interface NativeBeam {
  tokens: Int32Array;
  logprobs: Float64Array;
  /** Of the end token, 0 where none ended it. */
  endLogprob: number;
  score: number;
  text: string;
  stopReason: 'eog' | 'stopString' | 'length' | 'context';
  stop: number;
}

export interface NativeBeams {
  beams: NativeBeam[];
  usage: NativeUsage;
}

export interface NativeState {
  tokens: Int32Array;
  /** The prompt's part of the KV cache, as llama.cpp writes it. */
  cells: Uint8Array;
  /** The logits after the last token. */
  row: Float32Array;
  usage: NativeUsage;
}

/** How tokens are picked: `lib/sampling/sampler-settings.ts` has the meanings and the ranges. */
export interface NativeSampling {
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  typicalP: number;
  topNSigma: number;
  dynamicTemperatureRange: number;
  dynamicTemperatureExponent: number;
  penaltyLastN: number;
  repeatPenalty: number;
  frequencyPenalty: number;
  presencePenalty: number;
  dryMultiplier: number;
  dryBase: number;
  dryAllowedLength: number;
  dryPenaltyLastN: number;
  drySequenceBreakers: string[];
  xtcProbability: number;
  xtcThreshold: number;
  mirostat: number;
  mirostatTau: number;
  mirostatEta: number;
  minKeep: number;
  /** Token ids, and what is added to the logit of each. */
  biasTokens: Int32Array;
  biasValues: Float64Array;
  order: string[];
  /** From 0 to 2^32 − 1. */
  seed: number;
  /** GBNF; '' for none. */
  grammar: string;
}

export interface NativeEmbedderInfo {
  pooling: 'none' | 'mean' | 'cls' | 'last' | 'rank';
  /** Numbers of one vector. */
  size: number;
  contextSize: number;
  /** Most tokens of several texts that are decoded together. */
  batchSize: number;
  /** Most texts that are decoded together. */
  maxSequences: number;
  /** What a classifier's outputs are called; empty where they have no names. */
  labels: string[];
}

export interface NativeEmbeddings {
  /** Text by text `size` numbers; without pooling that many for each token. */
  values: Float32Array;
  usage: NativeUsage;
}

/** One device that ggml found. Sizes in bytes. */
export interface NativeDevice {
  name: string;
  description: string;
  backend: string;
  type: 'cpu' | 'gpu' | 'igpu' | 'accel' | 'meta';
  memoryFree: number;
  memoryTotal: number;
}

/**
 * A rejection or exception of native code carries one of these as `code`. `lib/common/errors.ts`
 * turns them into the public classes.
 */
export type NativeErrorCode =
  | 'ABORTED'
  | 'CLOSED'
  | 'CONTEXT_OVERFLOW'
  | 'DECODE_FAILED'
  | 'INTERNAL'
  | 'INVALID_ARGUMENT'
  | 'MODEL_LOAD'
  | 'NOT_SUPPORTED'
  | 'OUT_OF_MEMORY'
  | 'OUT_OF_RANGE'
  | 'STATE_MISMATCH';
