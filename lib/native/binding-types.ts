// The plain data types of the native binding; `lib/native/binding.ts` declares the functions that
// take and return them.

/**
 * The cost of a native job, in this order: prompt tokens, cached tokens, decoded tokens, padding
 * tokens, decode calls; then milliseconds in the queue, for decoding the prompt, for decoding after
 * the prompt, and for computing probabilities from logits.
 */
export type NativeUsage = Float64Array;

/** All fields are required; `lib/model/model.ts` sets the defaults. */
export interface NativeModelOptions {
  /** Layers to offload; negative for all. */
  gpuLayers: number;
  /** Names from `devices()`; empty for the engine's choice. */
  devices: string[];
  splitMode: 'none' | 'layer' | 'row';
  mainGpu: number;
  tensorSplit: Float32Array;
  rpcServers: string[];
  mmap: boolean;
  mlock: boolean;
  vocabOnly: boolean;
  checkTensors: boolean;
  /** Parallel arrays of metadata keys and values. Integers are bigint. */
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
  /** Whether the decoder attends to the encoder's output (T5). */
  encoderDecoder: boolean;
  /** The token that the decoder of an encoder-decoder starts with; −1 for other models. */
  decoderStart: number;
  recurrent: boolean;
  hybrid: boolean;
  diffusion: boolean;
  vocabOnly: boolean;
  /** Whether positions are rotary; if not, the next three fields are meaningless. */
  rope: boolean;
  ropeFrequencyBaseTrain: number;
  ropeFrequencyScaleTrain: number;
  ropeScalingTrain: string;
  gpuLayers: number;
  chatTemplate: string | undefined;
}

/** Token ids are −1 if the model has no such token. */
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
  /** Whether the model expects a separator between a query and a document. */
  addSep: boolean;
  /** Every token that ends a generation, ascending. */
  endOfGeneration: Int32Array;
}

/** By token id; `attributes` are the bits of llama.cpp's `llama_token_attr`. */
export interface NativeTokenTable {
  /** The concatenated UTF-8 of all texts, and the end offset of each. */
  bytes: Uint8Array;
  ends: Int32Array;
  scores: Float32Array;
  attributes: Int32Array;
}

/** All fields are required; `lib/context/context-options.ts` sets the defaults. */
export interface NativeSessionOptions {
  contextSize: number;
  batchSize: number;
  /** 0 for the engine's default. */
  microBatchSize: number;
  /** Prompt slots and branches together, at most 256. */
  maxSequences: number;
  /** How many of the sequences cache prompts; 0 for the engine's default. */
  promptSlots: number;
  threads: number;
  threadsBatch: number;
  flashAttention: 'auto' | 'on' | 'off';
  kvCacheTypeK: string;
  kvCacheTypeV: string;
  offloadKqv: boolean;
  /** Maximum size of one decode's logits in bytes. */
  logitsBudget: number;
  /** Maximum size of the states of append-only sequences in bytes. */
  stateBudget: number;
  ropeFrequencyBase: number;
  ropeFrequencyScale: number;
  /** `'model'`: as the model was trained. */
  ropeScaling: 'model' | 'none' | 'linear' | 'yarn' | 'longrope';
  /** Negative for the engine's choice, as for the next three. */
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
  /** Maximum number of logits rows per decode. */
  maxRows: number;
  /** Whether flash attention is in effect. */
  flashAttention: boolean;
  /** The approximate size of the KV cache and the states. */
  cacheBytes: number;
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
   * tokens; NaN for nodes that a search did not score.
   */
  logprobs: Float64Array;
  /** Per node: log-probability that one of the end tokens follows; NaN if not requested. */
  ends: Float64Array;
  /** As in `NodeDetails` of `lib/tree/node-details.ts`; empty unless requested. */
  entropies: Float64Array;
  bestTokens: Int32Array;
  bestLogprobs: Float64Array;
  ranks: Int32Array;
  usage: NativeUsage;
}

/** All fields are required; `lib/native/generation.ts` sets them. */
export interface NativeGenerationOptions {
  maxTokens: number;
  /** Stop strings, none of them empty. */
  stops: string[];
  stopTokens: Int32Array;
  includeStop: boolean;
  /** How many of the most likely tokens to report for each generated one. */
  alternatives: number;
  contextShift: boolean;
  /** How many tokens of the prompt a context shift keeps. */
  keep: number;
}

export interface NativeGeneration {
  /** Every generated token, including those of a stop. */
  tokens: Int32Array;
  /** One per token. */
  logprobs: Float64Array;
  /** The most likely tokens for each generated one, best first, and their log-probabilities. */
  alternatives: Int32Array;
  alternativeLogprobs: Float64Array;
  text: string;
  stopReason: 'eog' | 'stopString' | 'stopToken' | 'length' | 'context' | 'abort';
  /** Index of the stop string or token that ended the generation, or −1. */
  stop: number;
  /** Milliseconds from the job's start to the first token, and from there to the last. */
  firstTokenMs: number;
  writeMs: number;
  usage: NativeUsage;
}

/**
 * Receives generated pieces in order. Per piece: the index of its prompt, its token (−1 if it only
 * flushes held-back text) with its log-probability, and its text; per piece with a token, its
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

/** One sequence of a beam search. */
export interface NativeBeam {
  tokens: Int32Array;
  logprobs: Float64Array;
  /** Log-probability of the end token; 0 if none ended the sequence. */
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
  /** The prompt's part of the KV cache, as serialized by llama.cpp. */
  cells: Uint8Array;
  /** The logits after the last token. */
  row: Float32Array;
  usage: NativeUsage;
}

/** Sampler settings: `lib/sampling/sampler-settings.ts` documents meanings and ranges. */
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
  /** Token ids, and the bias that is added to the logit of each. */
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
  /** Dimensions of one vector. */
  size: number;
  contextSize: number;
  /** Maximum number of tokens in one batch of several texts. */
  batchSize: number;
  /** Maximum number of texts in one batch. */
  maxSequences: number;
  /** The labels of a classifier's outputs; empty if they have none. */
  labels: string[];
}

export interface NativeEmbeddings {
  /** `size` numbers for each text, or for each token if there is no pooling. */
  values: Float32Array;
  usage: NativeUsage;
}

/** A build of the CPU backend for a generation of CPUs. */
export interface NativeCpuVariant {
  /** ggml's name of it, e.g. `haswell`. */
  name: string;
  /** The more of this CPU's instruction sets the variant uses, the higher; 0 if the CPU lacks one of them. */
  score: number;
  /** Whether it is the one in use: that with the highest score, or the one of `AUTOCOG_CPU_VARIANT`. */
  chosen: boolean;
}

export interface NativeBackendModule {
  /** As in the name of its file: `cuda`, `vulkan`, `rpc`. */
  name: string;
  loaded: boolean;
  /** Why it was not loaded, as the system says. */
  error?: string;
}

/** One device that ggml detected. Sizes in bytes. */
export interface NativeDevice {
  name: string;
  description: string;
  backend: string;
  type: 'cpu' | 'gpu' | 'igpu' | 'accel' | 'meta';
  memoryFree: number;
  memoryTotal: number;
}

/**
 * The `code` of an exception or rejection of native code. `lib/native/errors.ts` converts them to
 * the public classes.
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
