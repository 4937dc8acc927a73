// The seam to native code: the TypeScript signatures of everything that `native/addon`
// exports, and the one place where the addon is loaded. `scripts/check-binding.mjs`
// holds this file to the export tables in C++; nothing else in `lib` may load the addon.

import addon from '#addon';
import type {
  NativeBeams,
  NativeCandidates,
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

export type * from './binding-types.js';

/** Cancels the native jobs that it was handed to. One per call; never reused. */
export interface NativeCancellation {
  /** Takes effect between engine steps, and inside a decode on CPU. Safe from any state. */
  cancel(): void;
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
  /** Empty where the model has no vocabulary. */
  tokenTable(): NativeTokenTable;
  loadAdapter(path: string): Promise<NativeAdapter>;
  /** Rows of the model's width; the first is that of layer 1. */
  readControlVector(path: string): Promise<Float32Array>;
  /** Whether it derives `text`. Throws likewise. */
  matchesGrammar(grammar: string, text: string): boolean;
  /** Frees the model once no session uses it. Idempotent. */
  close(): Promise<void>;
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
   * `copies`, `tolerance`: as `SearchRequest` of `lib/tree/tree-scoring.ts`; `top` 0 for all.
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
    options: NativeGenerationOptions,
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

export const native: NativeAddon = addon as NativeAddon;
