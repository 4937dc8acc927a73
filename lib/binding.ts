// The seam to native code: the TypeScript signatures of everything that `native/addon`
// exports, and the one place where the addon is loaded. `scripts/check-binding.mjs`
// holds this file to the export tables in C++; nothing else in `lib` may load the addon.

import addon from '#addon';

/** Cancels the native jobs that it was handed to. One per call; never reused. */
export interface NativeCancellation {
  /** Takes effect between engine steps, and inside a decode on CPU. Safe from any state. */
  cancel(): void;
}

/**
 * What a native job cost, as numbers in this order: prompt tokens, cached tokens, decoded
 * tokens, padding tokens, decode calls, then milliseconds waiting in the queue, on the
 * prompt, on decoding what was asked for, and on reading probabilities from logits.
 */
export type NativeUsage = Float64Array;

/** Every field is present; `lib/model.ts` sets the defaults. */
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

export interface NativeAdapter {
  /** Keys and values alternate. */
  metadata(): string[];
  /** Tensors that the file has and the engine leaves out. */
  ignored(): string[];
  /** Gives up this hold: the adapter is freed once no session uses it. Idempotent. */
  close(): void;
}

export interface NativeModel {
  info(): NativeModelInfo;
  vocab(): NativeVocab;
  /** Keys and values alternate. */
  metadata(): string[];
  tokenizeSync(text: string, addSpecial: boolean, parseSpecial: boolean): Int32Array;
  tokenize(text: string, addSpecial: boolean, parseSpecial: boolean): Promise<Int32Array>;
  /**
   * Many texts in one job, their UTF-8 one after the other and where each ends: thousands of
   * strings take the thread that hands them over longer than all other calls. Gives their
   * tokens one after the other, and how many each has.
   */
  tokenizeMany(
    bytes: Uint8Array,
    ends: Int32Array,
    addSpecial: boolean,
    parseSpecial: boolean,
  ): Promise<{ tokens: Int32Array; lengths: Int32Array }>;
  detokenizeSync(tokens: Int32Array, special: boolean): string;
  detokenize(tokens: Int32Array, special: boolean): Promise<string>;
  /** The bytes that the token stands for; empty for a control token. */
  tokenBytes(token: number): Uint8Array;
  /** Throws where `grammar` is no grammar of this vocabulary with the start symbol `root`. */
  checkGrammar(grammar: string): void;
  /** Whether it derives `text`. Throws likewise. */
  matchesGrammar(grammar: string, text: string): boolean;
  /** Empty where the model has no vocabulary. */
  tokenTable(): NativeTokenTable;
  loadAdapter(path: string): Promise<NativeAdapter>;
  /** Rows of the model's width; the first is that of layer 1. */
  readControlVector(path: string): Promise<Float32Array>;
  /** Frees the model once no session uses it. Idempotent. */
  close(): Promise<void>;
}

/** Every field is present; `lib/context-options.ts` sets the defaults. */
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
  /** As `NodeDetails` of `lib/tree-scoring.ts`; empty unless asked for. */
  entropies: Float64Array;
  bestTokens: Int32Array;
  bestLogprobs: Float64Array;
  ranks: Int32Array;
  usage: NativeUsage;
}

/** Every field is present; `lib/native-writing.ts` fills them in. */
export interface NativeWritingOptions {
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

export interface NativeSession {
  info(): NativeSessionInfo;
  /** `rows`: ascending positions whose logits are wanted. */
  eval(prompt: Int32Array, rows: Int32Array, cancellation: NativeCancellation): Promise<NativeEval>;
  /** Log-probabilities of every possible next token. */
  logprobs(
    prompt: Int32Array,
    cancellation: NativeCancellation,
  ): Promise<{ logprobs: Float32Array; usage: NativeUsage }>;
  candidates(
    prompt: Int32Array,
    count: number,
    cancellation: NativeCancellation,
  ): Promise<NativeCandidates>;
  /**
   * Node 0 is the prompt's end (token −1, parent −1); nodes stand in depth-first order,
   * parents before children. `flags`, bits per node: 1 where the end tokens are to be scored
   * after it, 2 where its own token is given and not scored. The prompt may be empty where the
   * first tokens of the tree are given.
   */
  scoreTree(
    prompt: Int32Array,
    tokens: Int32Array,
    parents: Int32Array,
    flags: Uint8Array,
    endTokens: Int32Array,
    sequential: boolean,
    details: boolean,
    cancellation: NativeCancellation,
  ): Promise<NativeTreeScores>;
  /**
   * The same, best first: stops when the request is answered. `nodes`, `lengths`, `offsets`,
   * `copies`, `tolerance`: as `SearchRequest` of `lib/tree-scoring.ts`; `top` 0 for all.
   */
  searchTree(
    prompt: Int32Array,
    tokens: Int32Array,
    parents: Int32Array,
    flags: Uint8Array,
    endTokens: Int32Array,
    details: boolean,
    nodes: Int32Array,
    lengths: Float64Array,
    offsets: Float64Array,
    copies: Int32Array,
    top: number,
    tolerance: number,
    cancellation: NativeCancellation,
  ): Promise<NativeTreeScores>;
  /** Writes one text; cancelled, it gives what was written until then. */
  generate(
    prompt: Int32Array,
    options: NativeWritingOptions,
    sampling: NativeSampling,
    onPieces: NativeOnPieces | undefined,
    cancellation: NativeCancellation,
  ): Promise<NativeGeneration>;
  /**
   * Writes several texts together. Prompts stand one after the other, with their lengths; each
   * has a seed and a cancellation of its own.
   */
  generateMany(
    prompts: Int32Array,
    lengths: Int32Array,
    seeds: Float64Array,
    stops: NativeCancellation[],
    options: NativeWritingOptions,
    sampling: NativeSampling,
    onPieces: NativeOnPieces | undefined,
    cancellation: NativeCancellation,
  ): Promise<NativeGeneration[]>;
  searchBeams(
    prompt: Int32Array,
    beams: number,
    sequences: number,
    maxTokens: number,
    lengthPenalty: number,
    earlyStopping: 'yes' | 'no' | 'never',
    stops: string[],
    cancellation: NativeCancellation,
  ): Promise<NativeBeams>;
  ingest(prompt: Int32Array, cancellation: NativeCancellation): Promise<NativeUsage>;
  /** Of the prompt that was used last, where `prompt` is empty; of none, where none is cached. */
  saveState(prompt: Int32Array, cancellation: NativeCancellation): Promise<NativeState>;
  /** `cells` must not change until it settles. */
  loadState(
    tokens: Int32Array,
    cells: Uint8Array,
    row: Float32Array,
    cancellation: NativeCancellation,
  ): Promise<NativeUsage>;
  /** Forgets every cached prompt. */
  clear(): Promise<void>;
  /**
   * Puts these adapters in place of those in use and forgets every cached prompt. Gives the name
   * of what is computed besides the model, adapters and control vector; empty for nothing.
   */
  setAdapters(
    adapters: NativeAdapter[],
    scales: Float64Array,
    cancellation: NativeCancellation,
  ): Promise<string>;
  /** The same for the control vector: rows for layers from 1 on, none to remove it. */
  setControlVector(data: Float32Array, cancellation: NativeCancellation): Promise<string>;
  /** Cancels what runs, refuses what waits, frees the context. Idempotent. */
  close(): Promise<void>;
}

/** How tokens are picked: `lib/sampler-settings.ts` has the meanings and the ranges. */
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

export interface NativeEmbedder {
  info(): NativeEmbedderInfo;
  /**
   * The tokens of all texts one after the other, and how many each has. `norm`: negative for
   * vectors as they are, 0 for a largest magnitude of 32760, p for a p-norm of 1.
   */
  embed(
    tokens: Int32Array,
    lengths: Int32Array,
    norm: number,
    cancellation: NativeCancellation,
  ): Promise<NativeEmbeddings>;
  /** Cancels what runs, refuses what waits, frees the context. Idempotent. */
  close(): Promise<void>;
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

export interface NativeAddon {
  /** llama.cpp's own version. */
  llamaVersion(): string;
  /** The instruction sets that this build uses, as llama.cpp prints them. */
  systemInfo(): string;
  devices(): NativeDevice[];
  createCancellation(): NativeCancellation;
  loadModel(
    path: string,
    options: NativeModelOptions,
    onProgress: ((fraction: number) => void) | undefined,
    cancellation: NativeCancellation,
  ): Promise<NativeModel>;
  createSession(model: NativeModel, options: NativeSessionOptions): Promise<NativeSession>;
  /** Every line of the log from now on, of this level or above, goes to `listener`, if there is one. */
  setLogger(
    listener: ((level: 'debug' | 'info' | 'warn' | 'error', text: string) => void) | undefined,
    level: string,
  ): void;
  /**
   * Of the options, `batchSize` may be 0 for as many as suit the model, and those of prompts and
   * micro-batches mean nothing. `pooling` is empty for the model's own.
   */
  createEmbedder(
    model: NativeModel,
    options: NativeSessionOptions,
    pooling: string,
  ): Promise<NativeEmbedder>;
  /** Writes `source` to `target` in another weight type, e.g. 'Q8_0' or 'F32'. */
  quantize(source: string, target: string, type: string, threads: number): Promise<void>;
}

/**
 * A rejection or exception of native code carries one of these as `code`. `lib/errors.ts`
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

export const native: NativeAddon = addon as NativeAddon;
