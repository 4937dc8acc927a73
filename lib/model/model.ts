// Model: a loaded GGUF file, which any number of LLaMas can share. Its tokenizer needs no context.
// Adapter, a LoRA adapter of a Model, is in the same file because the two refer to each other.

import { resolve } from 'node:path';
import { raceAbort } from '../common/abort.js';
import { checkInteger, checkString, checkTokens } from '../common/arguments.js';
import { type CallOptions, readSignal } from '../common/call-options.js';
import { CallbackCalls } from '../common/callback-calls.js';
import {
  findGuardSync,
  type Guard,
  tokenizeContinuation,
  tokenizeContinuationSync,
} from '../common/continuation.js';
import { ClosedError } from '../common/errors.js';
import type { DetokenizeOptions, TokenizeOptions } from '../common/text-options.js';
import { readDetokenizeOptions, readTokenizeOptions } from '../common/text-options.js';
import { warn } from '../common/warnings.js';
import { type NativeAdapter, type NativeModel, native } from '../native/binding.js';
import { callNative, runJob } from '../native/job.js';
import { type ModelSource, stampOf } from './file-stamp.js';
import { describeOverrides, readMetadata } from './metadata.js';
import { type ModelInfo, readModelInfo, readVocabulary, type Vocabulary } from './model-info.js';
import { checkPath, type FilePath, type ModelOptions, readModelOptions } from './model-options.js';
import { probeServers } from './rpc-servers.js';
import { type TokenInfo, TokenTable } from './token-table.js';

/** Where a model was loaded from. */
export let sourceOf: (model: Model) => ModelSource;

/** What keeps a continuation apart from the space that the tokenizer puts in front of texts. */
export let guardOf: (model: Model) => Guard | undefined;

/** The native model of a Model. Callers that outlive a call must {@link hold} it. */
export let nativeOf: (model: Model) => NativeModel;

/**
 * Keeps the native model alive until the returned release function is called. Throws ClosedError
 * if the model is already closed.
 */
export let hold: (model: Model) => () => Promise<void>;

/**
 * A loaded model. Close it when done. Its memory is freed once no LLaMa uses it, so it may be
 * closed before its LLaMas, which keep working.
 *
 * @example
 * await using model = await Model.load('models/default.gguf');
 * model.tokenizeSync('Hello'); // Int32Array
 */
export class Model implements AsyncDisposable {
  /** The model's hyperparameters, and facts about its file. */
  readonly info: ModelInfo;
  readonly vocab: Vocabulary;
  /** The file's metadata, every value as a string. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #native: NativeModel;
  readonly #adapters = new Set<Adapter>();
  #table: TokenTable | undefined;
  #guard: { found: Guard | undefined } | undefined;
  readonly #source: ModelSource;
  #holders = 0;
  #closing: Promise<void> | undefined;

  static {
    nativeOf = (model) => model.#native;
    sourceOf = (model) => model.#source;
    guardOf = (model) => model.#findGuard();
    hold = (model) => model.#hold();
  }

  private constructor(
    model: NativeModel,
    source: ModelSource,
    overrides: Readonly<Record<string, string>>,
  ) {
    this.#native = model;
    this.#source = source;
    this.info = readModelInfo(model.info(), overrides['tokenizer.chat_template']);
    this.metadata = Object.freeze({ ...readMetadata(model.metadata()), ...overrides });
    this.vocab = readVocabulary(model.vocab(), this.metadata);
  }

  /**
   * Loads a GGUF file, given by its path or its `file:` URL.
   *
   * @throws ModelLoadError if the file does not exist or the engine cannot load a model from it;
   * TypeError or RangeError for invalid options
   */
  static async load(file: FilePath, options?: ModelOptions): Promise<Model> {
    const path = checkPath(file, 'path');
    const { native: request, overrides, onProgress, signal } = readModelOptions(options);
    let stop = (): void => {};
    const progress = new CallbackCalls(() => stop());
    // Before reading: a file that changes while it is read no longer matches its stamp.
    const stamp = await stampOf(path).catch(() => undefined);
    const loading = runJob(async (cancellation) => {
      stop = () => cancellation.cancel();
      if (native.supportsRpc()) {
        await probeServers(request.rpcServers, native.isRpcServerConnected, signal);
      }
      const listener =
        onProgress && ((fraction: number) => progress.run(() => onProgress(fraction)));
      const model = await native.loadModel(path, request, listener, cancellation);
      // The cancellation may have come too late.
      await raceAbort(progress.settled(), signal).catch(() => {});
      if (progress.failure !== undefined || signal?.aborted) await model.close();
      return model;
    }, signal);
    try {
      const loaded = await loading;
      const source = { path: resolve(path), stamp, overrides: describeOverrides(request) };
      if (progress.failure === undefined)
        return callNative(() => new Model(loaded, source, overrides));
    } catch (error) {
      if (progress.failure === undefined || signal?.aborted) throw error;
    }
    throw progress.failure.reason;
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** The token ids of a text. Blocks the event loop; {@link tokenize} does not. */
  tokenizeSync(text: string, options?: Omit<TokenizeOptions, 'signal'>): Int32Array {
    checkString(text, 'text');
    const { addSpecial, parseSpecial, continuation } = readTokenizeOptions(options);
    const tokenize = (some: string): Int32Array => {
      return callNative(() => this.#open().tokenizeSync(some, addSpecial, parseSpecial));
    };
    return tokenizeContinuationSync(tokenize, continuation ? this.#findGuard() : undefined, text);
  }

  /** The token ids of a text. A lone surrogate is treated as U+FFFD. */
  async tokenize(text: string, options?: TokenizeOptions): Promise<Int32Array> {
    checkString(text, 'text');
    const { addSpecial, parseSpecial, continuation, signal } = readTokenizeOptions(options);
    const tokenize = (some: string): Promise<Int32Array> => {
      return runJob(
        (cancellation) => this.#open().tokenize(some, addSpecial, parseSpecial, cancellation),
        signal,
      );
    };
    return tokenizeContinuation(tokenize, continuation ? this.#findGuard() : undefined, text);
  }

  /** The text of token ids. Blocks the event loop; {@link detokenize} does not. */
  detokenizeSync(tokens: Int32Array, options?: Omit<DetokenizeOptions, 'signal'>): string {
    const copy = checkTokens(tokens, 'tokens', this.vocab.size);
    const { special, continuation } = readDetokenizeOptions(options);
    return callNative(() => this.#open().detokenizeSync(copy, special, continuation));
  }

  /** The text of token ids. Invalid UTF-8 becomes U+FFFD. */
  async detokenize(tokens: Int32Array, options?: DetokenizeOptions): Promise<string> {
    const copy = checkTokens(tokens, 'tokens', this.vocab.size);
    const { special, continuation, signal } = readDetokenizeOptions(options);
    return runJob(() => this.#open().detokenize(copy, special, continuation), signal);
  }

  /** The bytes of a token; empty for a control token. */
  tokenBytes(token: number): Uint8Array {
    checkInteger(token, 'token', 0, this.vocab.size - 1);
    return callNative(() => this.#open().tokenBytes(token));
  }

  /**
   * Throws a TypeError, with the line, the column and what was expected there, unless the string is
   * a GBNF grammar whose tokens, if it names any, are in this vocabulary. The start symbol is
   * `root`.
   */
  checkGrammar(grammar: string): void {
    checkString(grammar, 'grammar');
    callNative(() => this.#open().checkGrammar(grammar));
  }

  /**
   * Whether a grammar accepts a text. Rejects as {@link checkGrammar} throws. Text never matches a
   * token that the grammar names. Takes time linear in the text's length for most grammars, cubic
   * for ambiguous ones, on a thread that runs one call at a time.
   */
  async matchesGrammar(grammar: string, text: string, options?: CallOptions): Promise<boolean> {
    checkString(grammar, 'grammar');
    checkString(text, 'text');
    const signal = readSignal(options);
    return runJob((job) => this.#open().matchesGrammar(grammar, text, job), signal);
  }

  /**
   * The text of every token as stored in the file, by token id: `▁` or `Ġ` for a space, and bytes
   * as the vocabulary encodes them. Built on first access; empty without a vocabulary.
   */
  get tokens(): readonly string[] {
    return this.#tokenTable().texts;
  }

  /** A token's text, score and attributes, as stored in the file. */
  tokenInfo(token: number): TokenInfo {
    const table = this.#tokenTable();
    return table.at(checkInteger(token, 'token', 0, table.texts.length - 1));
  }

  /**
   * Loads a LoRA adapter for this model; `LLaMa.setAdapters` applies it. The engine ignores
   * normalization weights: an adapter that has some causes a warning with the code
   * `AUTOCOG_ADAPTER_PARTIAL`.
   *
   * @throws ModelLoadError if the file does not exist or is not a LoRA adapter for this model;
   * NotSupportedError for an activated LoRA (aLoRA), which applies only to some positions
   */
  async loadAdapter(file: FilePath, options?: CallOptions): Promise<Adapter> {
    const path = checkPath(file, 'path');
    const signal = readSignal(options);
    const nativeAdapter = await runJob(async () => {
      const loaded = await this.#open().loadAdapter(path);
      // The abort may have come too late, or the model may have been closed in the meantime.
      if (!signal?.aborted && !this.closed) return loaded;
      loaded.close();
      throw new ClosedError('The model is closed');
    }, signal);
    warnOfIgnored(path, nativeAdapter.ignored());
    const metadata = readMetadata(nativeAdapter.metadata());
    const adapter = new Adapter(this, path, nativeAdapter, metadata, (closed) => {
      this.#adapters.delete(closed);
    });
    this.#adapters.add(adapter);
    return adapter;
  }

  /**
   * Frees the model and its adapters. If LLaMas still use the model, this resolves at once and the
   * last of them frees it when it closes. Idempotent; other methods throw ClosedError afterwards.
   */
  close(): Promise<void> {
    this.#closing ??= this.#holders > 0 ? Promise.resolve() : this.#free();
    return this.#closing;
  }

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #hold(): () => Promise<void> {
    this.#open();
    this.#holders++;
    return async () => {
      if (--this.#holders === 0 && this.closed) await this.#free();
    };
  }

  #findGuard(): Guard | undefined {
    this.#guard ??= {
      found: findGuardSync((text) => {
        // A LLaMa may use the native model after this one was closed.
        return callNative(() => this.#native.tokenizeSync(text, false, false));
      }),
    };
    return this.#guard.found;
  }

  #tokenTable(): TokenTable {
    this.#table ??= callNative(() => new TokenTable(this.#open().tokenTable()));
    return this.#table;
  }

  #free(): Promise<void> {
    for (const adapter of this.#adapters) void adapter.close();
    return runJob(() => this.#native.close());
  }

  #open(): NativeModel {
    if (this.closed) throw new ClosedError('The model is closed');
    return this.#native;
  }
}

/** The native adapter of an Adapter. Throws ClosedError if it is closed. */
export let nativeAdapterOf: (adapter: Adapter) => NativeAdapter;

/**
 * A LoRA adapter (a low-rank delta of a model's weights) from a GGUF file. Close it when done. Its
 * memory is freed once no LLaMa uses it, or with its model at the latest.
 */
export class Adapter implements AsyncDisposable {
  /** The model that it was loaded for. */
  readonly model: Model;
  readonly path: string;
  /** The file's metadata, every value as a string, without arrays. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #native: NativeAdapter;
  readonly #onClose: (adapter: Adapter) => void;
  #closed = false;

  static {
    nativeAdapterOf = (adapter) => {
      if (adapter.#closed) throw new ClosedError('The adapter is closed');
      return adapter.#native;
    };
  }

  /** @internal */
  constructor(
    model: Model,
    path: string,
    native: NativeAdapter,
    metadata: Record<string, string>,
    onClose: (adapter: Adapter) => void,
  ) {
    this.model = model;
    this.path = path;
    this.metadata = Object.freeze(metadata);
    this.#native = native;
    this.#onClose = onClose;
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Frees the adapter. LLaMas that use it keep using it, and the last of them frees it when its
   * adapters are replaced or it closes. Idempotent; `setAdapters` rejects with ClosedError for it
   * afterwards.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose(this);
    this.#native.close();
  }

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function warnOfIgnored(path: string, ignored: readonly string[]): void {
  if (ignored.length === 0) return;
  warn(
    'AUTOCOG_ADAPTER_PARTIAL',
    `llama.cpp ignores ${ignored.length} tensors of the adapter ${path}`,
    ignored.join(', '),
  );
}
