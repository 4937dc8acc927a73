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

export interface NativeGeneration {
  /** Every token that was generated, those of a stop string included. */
  tokens: Int32Array;
  /** One per token. */
  logprobs: Float64Array;
  /** The text before the stop string, if one was met. */
  text: string;
  stopReason: 'eog' | 'stop' | 'length';
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
  /** Greedy decoding. */
  generate(
    prompt: Int32Array,
    maxTokens: number,
    stops: string[],
    cancellation: NativeCancellation,
  ): Promise<NativeGeneration>;
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
  /** Cancels what runs, refuses what waits, frees the context. Idempotent. */
  close(): Promise<void>;
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
