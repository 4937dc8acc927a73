// Model: a loaded GGUF file, which any number of LLaMas share. Its tokenizer needs no context. Adapter, a small addition to
// its weights, is in the same file because each names the other.

import { resolve } from 'node:path';
import { checkInteger, checkString, checkTokens } from '../common/arguments.js';
import { type CallOptions, readSignal } from '../common/call-options.js';
import { ClosedError } from '../common/errors.js';
import type { DetokenizeOptions, TokenizeOptions } from '../common/text-options.js';
import { readDetokenizeOptions, readTokenizeOptions } from '../common/text-options.js';
import { warn } from '../common/warnings.js';
import {
  type NativeAdapter,
  type NativeModel,
  type NativeModelOptions,
  native,
} from '../native/binding.js';
import { callNative, runJob } from '../native/job.js';
import { stampOf } from './file-stamp.js';
import { type ModelInfo, readModelInfo, readVocabulary, type Vocabulary } from './model-info.js';
import { checkPath, type ModelOptions, readModelOptions } from './model-options.js';
import { type TokenInfo, TokenTable } from './token-table.js';

/** Where a model came from, for what has to know it again. */
export interface ModelSource {
  /** Of the file, or of the first of several. */
  path: string;
  /** The file's state when it was loaded; undefined where that could not be asked for. */
  stamp: string | undefined;
  /** The metadata that was replaced. */
  overrides: string;
}

/** Where a model came from. */
export let sourceOf: (model: Model) => ModelSource;

/** The native model behind a Model, for what holds it: see {@link hold}. */
export let nativeOf: (model: Model) => NativeModel;

/**
 * Keeps the native model from being freed, until the function that it gives is called.
 * Throws ClosedError where the model is closed already.
 */
export let hold: (model: Model) => () => Promise<void>;

/**
 * A loaded model. Close it when done. It is freed once no LLaMa uses it any more, so it may
 * be closed before they are: they go on working.
 *
 * @example
 * await using model = await Model.load('models/default.gguf');
 * model.tokenizeSync('Hello'); // Int32Array
 */
export class Model implements AsyncDisposable {
  /** What the file says of itself. */
  readonly info: ModelInfo;
  readonly vocab: Vocabulary;
  /** Every key and value of the file, as text. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #native: NativeModel;
  readonly #adapters = new Set<Adapter>();
  #table: TokenTable | undefined;
  readonly #source: ModelSource;
  #holders = 0;
  #closing: Promise<void> | undefined;

  static {
    nativeOf = (model) => model.#native;
    sourceOf = (model) => model.#source;
    hold = (model) => model.#hold();
  }

  private constructor(model: NativeModel, source: ModelSource) {
    this.#native = model;
    this.#source = source;
    this.info = readModelInfo(model.info());
    this.metadata = Object.freeze(readMetadata(model.metadata()));
    this.vocab = readVocabulary(model.vocab(), this.metadata);
  }

  /**
   * Loads a GGUF file.
   *
   * @throws ModelLoadError where there is no such file, or it is no model that the engine can
   * build; TypeError, RangeError for options that are not what their comments say
   */
  static async load(path: string, options?: ModelOptions): Promise<Model> {
    checkPath(path, 'path');
    const { native: request, onProgress, signal } = readModelOptions(options);
    let failure: { reason: unknown } | undefined;
    // Asked for before it is read: a file that changes meanwhile is another one.
    const stamp = await stampOf(path).catch(() => undefined);
    const loading = runJob(async (cancellation) => {
      const report = (fraction: number): void => {
        if (failure !== undefined) return;
        try {
          onProgress?.(fraction);
        } catch (reason) {
          failure = { reason };
          cancellation.cancel();
        }
      };
      const told = onProgress === undefined ? undefined : report;
      const model = await native.loadModel(path, request, told, cancellation);
      // It may have been too late to cancel.
      if (failure !== undefined || signal?.aborted) await model.close();
      return model;
    }, signal);
    try {
      const loaded = await loading;
      const overrides = describeOverrides(request);
      const source = { path: resolve(path), stamp, overrides };
      if (failure === undefined) return callNative(() => new Model(loaded, source));
    } catch (error) {
      if (failure === undefined || signal?.aborted) throw error;
    }
    throw failure.reason;
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** The token ids of a text. Blocks; {@link tokenize} does not. */
  tokenizeSync(text: string, options?: Omit<TokenizeOptions, 'signal'>): Int32Array {
    checkString(text, 'text');
    const { addSpecial, parseSpecial } = readTokenizeOptions(options);
    return callNative(() => this.#open().tokenizeSync(text, addSpecial, parseSpecial));
  }

  /** The token ids of a text. A lone surrogate counts as U+FFFD. */
  async tokenize(text: string, options?: TokenizeOptions): Promise<Int32Array> {
    checkString(text, 'text');
    const { addSpecial, parseSpecial, signal } = readTokenizeOptions(options);
    return runJob(() => this.#open().tokenize(text, addSpecial, parseSpecial), signal);
  }

  /** The text of token ids. Blocks; {@link detokenize} does not. */
  detokenizeSync(tokens: Int32Array, options?: Omit<DetokenizeOptions, 'signal'>): string {
    checkTokens(tokens, 'tokens', this.vocab.size);
    const { special } = readDetokenizeOptions(options);
    return callNative(() => this.#open().detokenizeSync(tokens, special));
  }

  /** The text of token ids. Bytes that are no UTF-8 become U+FFFD. */
  async detokenize(tokens: Int32Array, options?: DetokenizeOptions): Promise<string> {
    checkTokens(tokens, 'tokens', this.vocab.size);
    const { special, signal } = readDetokenizeOptions(options);
    return runJob(() => this.#open().detokenize(tokens, special), signal);
  }

  /** The bytes that a token stands for; none for a control token. */
  tokenBytes(token: number): Uint8Array {
    checkInteger(token, 'token', 0, this.vocab.size - 1);
    return callNative(() => this.#open().tokenBytes(token));
  }

  /**
   * Throws a TypeError with line, column and what was expected there where a text is no GBNF
   * grammar, or is none of this vocabulary: it may name tokens. Its start symbol is `root`.
   */
  checkGrammar(grammar: string): void {
    checkString(grammar, 'grammar');
    callNative(() => this.#open().checkGrammar(grammar));
  }

  /**
   * Whether a grammar derives a text. Throws as {@link checkGrammar} does. A token that the grammar
   * names is in no text.
   */
  matchesGrammar(grammar: string, text: string): boolean {
    checkString(grammar, 'grammar');
    checkString(text, 'text');
    return callNative(() => this.#open().matchesGrammar(grammar, text));
  }

  /**
   * The text of every token as the file writes it, by token id: with `▁` or `Ġ` for a space,
   * and bytes as the vocabulary has them. Made when first asked for; empty without a vocabulary.
   */
  get tokens(): readonly string[] {
    return this.#tokenTable().texts;
  }

  /** What the file says of a token: its text, score and kind. */
  tokenInfo(token: number): TokenInfo {
    const table = this.#tokenTable();
    return table.at(checkInteger(token, 'token', 0, table.texts.length - 1));
  }

  /**
   * Loads a LoRA adapter of this model; `LLaMa.setAdapters` puts it to use. Tensors that the
   * engine leaves out, which are weights of normalisations, bring a warning with the code
   * `AUTOCOG_ADAPTER_PARTIAL`.
   *
   * @throws ModelLoadError where there is no such file, or it is no LoRA adapter of this model;
   * NotSupportedError for an activated LoRA, which is one for some positions only
   */
  async loadAdapter(path: string, options?: CallOptions): Promise<Adapter> {
    checkPath(path, 'path');
    const signal = readSignal(options);
    const adapter = await runJob(async () => {
      const loaded = await this.#open().loadAdapter(path);
      // It may have been too late for the signal, or the model was closed meanwhile.
      if (!signal?.aborted && !this.closed) return loaded;
      loaded.close();
      throw new ClosedError('The model is closed');
    }, signal);
    warnOfIgnored(path, adapter.ignored());
    const metadata = readMetadata(adapter.metadata());
    const made = new Adapter(this, path, adapter, metadata, (closed) => {
      this.#adapters.delete(closed);
    });
    this.#adapters.add(made);
    return made;
  }

  /**
   * Frees the model and its adapters; as long as a LLaMa uses it, the last of them does that when it closes,
   * and this resolves before. Idempotent; later calls throw ClosedError.
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

/** The native adapter behind an Adapter. Throws ClosedError where it is closed. */
export let nativeAdapterOf: (adapter: Adapter) => NativeAdapter;

/**
 * A LoRA adapter: a small addition to a model's weights, from a GGUF file. Close it when done:
 * it is freed once no LLaMa uses it any more, and at the latest with its model.
 */
export class Adapter implements AsyncDisposable {
  /** The model that it is for. */
  readonly model: Model;
  readonly path: string;
  /** Every key and value of the file, as text; lists are left out. */
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
   * Frees the adapter; as long as a LLaMa uses it, that goes on and the last of them frees it,
   * when it gets others or closes. Idempotent; `setAdapters` rejects with ClosedError afterwards.
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
    `llama.cpp leaves out ${ignored.length} tensors of the adapter ${path}`,
    ignored.join(', '),
  );
}

/** The replaced metadata as text, the same for the same. */
function describeOverrides({ overrideKeys, overrideValues }: NativeModelOptions): string {
  const entries = overrideKeys.map((key, index) => {
    const value = overrideValues[index];
    return [key, typeof value, `${value}`];
  });
  return JSON.stringify(entries.sort());
}

/** Keys and values alternate. */
function readMetadata(pairs: readonly string[]): Record<string, string> {
  const entries: [string, string][] = [];
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    entries.push([pairs[index] as string, pairs[index + 1] as string]);
  }
  return Object.fromEntries(entries);
}
