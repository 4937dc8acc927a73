// The boundary to native code: the TypeScript signatures of everything that `native/addon` exports,
// and the only place in `lib` that loads the addon. `scripts/check-binding.mjs` checks this file
// against the export tables in C++.

import addon from '#addon';
import type {
  NativeBackendModule,
  NativeBeams,
  NativeCandidates,
  NativeCpuVariant,
  NativeDevice,
  NativeEmbedderInfo,
  NativeEmbeddings,
  NativeEval,
  NativeGeneration,
  NativeGenerationOptions,
  NativeModelInfo,
  NativeModelOptions,
  NativeOnPieces,
  NativeSampling,
  NativeSessionInfo,
  NativeSessionOptions,
  NativeState,
  NativeTokenTable,
  NativeTreeScores,
  NativeUsage,
  NativeVocab,
} from './binding-types.js';
import type { NativePlan, NativeThoughts } from './thought-types.js';

export type * from './binding-types.js';
export type * from './thought-types.js';

/** Cancels the native jobs that it was passed to. One per call; never reused. */
export interface NativeCancellation {
  /** Takes effect between engine steps and, on CPU, within a decode. Safe in any state. */
  cancel(): void;
}

export interface NativeAdapter {
  /** Alternating keys and values. */
  metadata(): string[];
  /** Names of tensors in the file that the engine ignores. */
  ignored(): string[];
  /** Releases this reference: the adapter is freed once no session uses it. Idempotent. */
  close(): void;
}

export interface NativeModel {
  info(): NativeModelInfo;
  vocab(): NativeVocab;
  /** Alternating keys and values. */
  metadata(): string[];
  tokenizeSync(text: string, addSpecial: boolean, parseSpecial: boolean): Int32Array;
  tokenize(
    text: string,
    addSpecial: boolean,
    parseSpecial: boolean,
    cancellation: NativeCancellation,
  ): Promise<Int32Array>;
  /**
   * Tokenizes many texts in one job. Takes their concatenated UTF-8 and the end offset of each,
   * since passing thousands of strings would block the calling thread too long. Returns their
   * concatenated tokens, and the number of tokens of each.
   */
  tokenizeMany(
    bytes: Uint8Array,
    ends: Int32Array,
    addSpecial: boolean,
    parseSpecial: boolean,
    cancellation: NativeCancellation,
  ): Promise<{ tokens: Int32Array; lengths: Int32Array }>;
  detokenizeSync(tokens: Int32Array, special: boolean, continuation: boolean): string;
  detokenize(tokens: Int32Array, special: boolean, continuation: boolean): Promise<string>;
  /** The bytes that the token stands for; empty for a control token. */
  tokenBytes(token: number): Uint8Array;
  /** Throws unless `grammar` is valid for this vocabulary and has the start symbol `root`. */
  checkGrammar(grammar: string): void;
  /** {@link checkGrammar} off the calling thread. */
  checkGrammarInJob(grammar: string, cancellation: NativeCancellation): Promise<void>;
  /** Empty if the model has no vocabulary. */
  tokenTable(): NativeTokenTable;
  loadAdapter(path: string): Promise<NativeAdapter>;
  /** Rows of the model's embedding size; the first is that of layer 1. */
  readControlVector(path: string): Promise<Float32Array>;
  /** Whether the grammar derives `text`. Throws like `checkGrammar`. */
  matchesGrammar(grammar: string, text: string, cancellation: NativeCancellation): Promise<boolean>;
  /** Frees the model once no session uses it. Idempotent. */
  close(): Promise<void>;
}

export interface NativeSession {
  info(): NativeSessionInfo;
  /** `rows`: ascending positions whose logits are requested. */
  eval(
    prompt: Int32Array,
    continuation: Int32Array,
    rows: Int32Array,
    cancellation: NativeCancellation,
  ): Promise<NativeEval>;
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
   * Node 0 is the end of the prompt (token −1, parent −1); nodes are in depth-first order, parents
   * before children. `flags` are bits per node: 1 to score the end tokens after it, 2 if its own
   * token is given and not scored. The prompt may be empty if the first tokens of the tree are
   * given.
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
   * The same as a best-first search, which stops once the request is satisfied. `nodes`, `lengths`,
   * `offsets`, `copies`, `tolerance`: see `SearchRequest` in `lib/tree/tree-scoring.ts`; `top` is 0
   * for all.
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
  /** Generates one completion; if cancelled, resolves with the partial result. */
  generate(
    prompt: Int32Array,
    options: NativeGenerationOptions,
    sampling: NativeSampling,
    onPieces: NativeOnPieces | undefined,
    cancellation: NativeCancellation,
  ): Promise<NativeGeneration>;
  /**
   * Generates several completions in shared batches. Takes the concatenated prompts and their
   * lengths; each has its own seed and cancellation (`stops`).
   */
  generateMany(
    prompts: Int32Array,
    lengths: Int32Array,
    seeds: Float64Array,
    stops: NativeCancellation[],
    options: NativeGenerationOptions,
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
  /**
   * Runs an automaton; if cancelled, resolves with what was found so far. `onProgress` is called
   * after each round; `best` is NaN if no thought is finished.
   */
  searchThoughts(
    prompt: Int32Array,
    plan: NativePlan,
    onProgress:
      | ((rounds: number, open: number, finished: number, tokens: number, best: number) => void)
      | undefined,
    cancellation: NativeCancellation,
  ): Promise<NativeThoughts>;
  ingest(prompt: Int32Array, cancellation: NativeCancellation): Promise<NativeUsage>;
  /** An empty `prompt` selects the most recently used one, if any is cached. */
  saveState(prompt: Int32Array, cancellation: NativeCancellation): Promise<NativeState>;
  /** `cells` must not change until the promise settles. */
  loadState(
    tokens: Int32Array,
    cells: Uint8Array,
    row: Float32Array,
    cancellation: NativeCancellation,
  ): Promise<NativeUsage>;
  /** Clears the prefix cache. */
  clear(): Promise<void>;
  /**
   * Replaces the adapters in use and clears the prefix cache. Returns a name for the adapters and
   * control vector in use, equal for equal ones; empty if there are none.
   */
  setAdapters(
    adapters: NativeAdapter[],
    scales: Float64Array,
    cancellation: NativeCancellation,
  ): Promise<string>;
  /** The same for the control vector: rows for layers from 1 on; empty to remove it. */
  setControlVector(data: Float32Array, cancellation: NativeCancellation): Promise<string>;
  /** Cancels the running job, rejects queued ones, frees the context. Idempotent. */
  close(): Promise<void>;
}

export interface NativeEmbedder {
  info(): NativeEmbedderInfo;
  /**
   * Takes the concatenated tokens of all texts and the number of tokens of each. `norm`: negative
   * for no normalization, 0 for a maximum magnitude of 32760, p for a p-norm of 1.
   */
  embed(
    tokens: Int32Array,
    lengths: Int32Array,
    norm: number,
    cancellation: NativeCancellation,
  ): Promise<NativeEmbeddings>;
  /** Cancels the running job, rejects queued ones, frees the context. Idempotent. */
  close(): Promise<void>;
}

export interface NativeAddon {
  /** The addon's file, and where it comes from; `native/load.cjs` sets both. */
  readonly path: string;
  readonly source: 'clone' | 'built' | 'prebuilt';
  /** llama.cpp's own version. */
  llamaVersion(): string;
  /** The instruction sets that this build uses, as llama.cpp prints them. */
  systemInfo(): string;
  devices(): NativeDevice[];
  supportsRpc(): boolean;
  /** Whether a model of this process uses the server at `host:port`, and has not lost it. */
  isRpcServerConnected(address: string): boolean;
  cpuVariants(): NativeCpuVariant[];
  backendModules(): NativeBackendModule[];
  kernels(): string[];
  createCancellation(): NativeCancellation;
  loadModel(
    path: string,
    options: NativeModelOptions,
    onProgress: ((fraction: number) => void) | undefined,
    cancellation: NativeCancellation,
  ): Promise<NativeModel>;
  createSession(model: NativeModel, options: NativeSessionOptions): Promise<NativeSession>;
  /** Passes every further log line of this level or above to `listener`, if given. */
  setLogger(
    listener: ((level: 'debug' | 'info' | 'warn' | 'error', text: string) => void) | undefined,
    level: string,
  ): void;
  /**
   * A `batchSize` of 0 selects a size that suits the model; the options for prompts and
   * micro-batches are ignored. An empty `pooling` selects the model's own.
   */
  createEmbedder(
    model: NativeModel,
    options: NativeSessionOptions,
    pooling: string,
  ): Promise<NativeEmbedder>;
  /**
   * Writes the model `source` to `target` in another weight type, such as 'Q8_0' or 'F32'. Returns the
   * tensors that have another type: the name, the requested type and the type of each.
   */
  quantize(source: string, target: string, type: string, threads: number): Promise<string[]>;
}

export const native: NativeAddon = addon as NativeAddon;
