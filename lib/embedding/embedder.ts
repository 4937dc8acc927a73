// Embedder: embeds texts and ranks documents with llama.cpp. LLaMa.embed uses one of its own.

import { types } from 'node:util';
import { raceAbort } from '../common/abort.js';
import {
  about,
  checkOptions,
  checkPrompt,
  checkString,
  checkStrings,
  type Prompt,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import { warnOfThreads } from '../common/available-cores.js';
import { type CallOptions, readSignal } from '../common/call-options.js';
import { ContextOverflowError, NotSupportedError } from '../common/errors.js';
import { pick } from '../common/pick.js';
import { type Cost, Stopwatch } from '../common/usage.js';
import { Model } from '../model/model.js';
import {
  type FilePath,
  type ModelOptions,
  modelOptionNames,
  readModelOptions,
} from '../model/model-options.js';
import { tokenizeMany } from '../model/tokenize-many.js';
import { EmbeddingEngine } from './embedding-engine.js';
import {
  type EmbeddingOptions,
  embeddingOptionNames,
  type Pooling,
  readEmbeddingOptions,
} from './embedding-options.js';
import { joinAll, type Ranking, type RerankOptions, rank, readRerankOptions } from './rerank.js';

/** The result of `embed` for one text. */
export interface TextEmbedding extends Cost {
  /**
   * {@link Embedder.size} numbers. With pooling `'none'`, that many per token, special tokens
   * included, row-major: token i starts at index i × size.
   */
  embedding: Float32Array;
}

/** The result of `embed` for several texts. */
export interface TextEmbeddings extends Cost {
  /** One `embedding` per text, in the order of the texts. They do not share memory. */
  embeddings: Float32Array[];
}

/** Options of `Embedder.load`: those of Model.load and of the Embedder. */
export interface EmbedderLoadOptions extends ModelOptions, EmbeddingOptions {}

/**
 * Embeds texts with an encoder, a reranker, or the hidden states of a decoder LM. It has its own
 * thread and queue: calls may overlap, and run in order. Close it when done.
 *
 * @example
 * await using embedder = await Embedder.load('models/default.gguf');
 * const { embedding } = await embedder.embed('The sky is blue');
 */
export class Embedder implements AsyncDisposable {
  /** The model, which may be shared. */
  readonly model: Model;
  readonly #engine: EmbeddingEngine;
  readonly #contextSize: number;

  /**
   * Returns at once and builds the context in the background: see {@link ready}. The caller remains
   * responsible for closing the model.
   *
   * @throws TypeError or RangeError for invalid options
   */
  constructor(model: Model, options?: EmbeddingOptions);
  /** @internal */
  constructor(model: Model, options: EmbeddingOptions | undefined, ownsModel: boolean);
  constructor(model: Model, options?: EmbeddingOptions, ownsModel = false) {
    if (!(model instanceof Model)) throw wrongType('a Model', 'model', model);
    const request = readEmbeddingOptions(options, model.info.trainContextSize);
    warnOfThreads(request.native.threads, request.native.threadsBatch);
    this.model = model;
    this.#contextSize = request.native.contextSize;
    this.#engine = new EmbeddingEngine(model, request, ownsModel);
  }

  /**
   * Loads a model and builds a context. {@link close} frees both.
   *
   * @throws ModelLoadError, and the errors of {@link ready}
   */
  static async load(path: FilePath, options?: EmbedderLoadOptions): Promise<Embedder> {
    const allOptions = checkOptions(options, 'options', [
      ...modelOptionNames,
      ...embeddingOptionNames,
    ]);
    const modelOptions = pick(allOptions, modelOptionNames);
    const embeddingOptions = pick(allOptions, embeddingOptionNames);
    // Rejects invalid options before spending minutes on loading a model.
    readModelOptions(modelOptions);
    readEmbeddingOptions(embeddingOptions, 0);
    const model = await Model.load(path, modelOptions);
    let embedder: Embedder | undefined;
    try {
      embedder = new Embedder(model, embeddingOptions, true);
      await raceAbort(embedder.ready, allOptions.signal);
      return embedder;
    } catch (error) {
      const closing = (embedder ?? model).close();
      // On abort, does not wait for a context that is still being built.
      await (allOptions.signal?.aborted ? raceAbort(closing, allOptions.signal) : closing).catch(
        () => {},
      );
      throw error;
    }
  }

  /**
   * Resolves when the context is built. If it cannot be built, this and all calls reject:
   * NotSupportedError for a model that cannot embed, or that has no head for pooling `'rank'`;
   * RangeError for a context longer than the model's table of position embeddings.
   */
  get ready(): Promise<void> {
    return this.#engine.ready;
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#engine.closed;
  }

  /** Maximum tokens of a text, or of a query joined with a document. */
  get contextSize(): number {
    return this.#contextSize;
  }

  /** The dimension of a vector, or a classifier's output count. Undefined until {@link ready}. */
  get size(): number | undefined {
    return this.#engine.info?.size;
  }

  /** The pooling in effect. Undefined until {@link ready}. */
  get pooling(): Pooling | undefined {
    return this.#engine.info?.pooling;
  }

  /** The labels of a classifier's outputs, if its file has them. Empty until {@link ready}. */
  get labels(): readonly string[] {
    return this.#engine.info?.labels ?? [];
  }

  /**
   * The vector of a text. A string gets the special tokens that the model expects; token ids are
   * used unchanged. With pooling `'rank'`, the classifier's raw outputs.
   *
   * @throws RangeError for a text without tokens; ContextOverflowError for a text that is too long
   */
  embed(text: Prompt, options?: CallOptions): Promise<TextEmbedding>;
  /** The vectors of several texts, batched as far as they fit. Empty for no texts. */
  embed(texts: readonly Prompt[], options?: CallOptions): Promise<TextEmbeddings>;
  async embed(
    input: Prompt | readonly Prompt[],
    options?: CallOptions,
  ): Promise<TextEmbedding | TextEmbeddings> {
    const stopwatch = new Stopwatch();
    const { size } = this.model.vocab;
    const isList = Array.isArray(input);
    const texts = isList
      ? input.map((text: unknown, index) => checkPrompt(text, `texts[${index}]`, size))
      : [checkInput(input, size)];
    const signal = readSignal(options);
    await this.#admit(signal);
    const tokens = await raceAbort(this.#tokensOf(texts, signal), signal);
    const name = (index: number): string => (isList ? `texts[${index}]` : 'text');
    for (const [index, text] of tokens.entries()) {
      if (text.length === 0) throw wrongRange('at least one token', name(index), texts[index]);
      this.#checkFits(name(index), text.length);
    }
    stopwatch.tokenized();
    const { values, ...cost } = await this.#engine.run(tokens, signal);
    const embeddings = this.#split(values, tokens);
    const totalCost = stopwatch.complete(cost);
    return isList
      ? { embeddings, ...totalCost }
      : { embedding: embeddings[0] as Float32Array, ...totalCost };
  }

  /**
   * Ranks documents by their relevance to a query.
   *
   * @throws NotSupportedError if the pooling is not `'rank'`; ContextOverflowError if the query and
   * a document together do not fit in the context
   */
  async rerank(
    query: string,
    documents: readonly string[],
    options?: RerankOptions,
  ): Promise<Ranking> {
    const stopwatch = new Stopwatch();
    checkString(query, 'query');
    const list = checkStrings(documents, 'documents');
    const { topN, signal } = readRerankOptions(options);
    await this.#admit(signal);
    if (this.pooling !== 'rank') {
      throw new NotSupportedError(
        `This embedder cannot rank: its pooling is '${this.pooling}', not 'rank'`,
      );
    }
    const tokens = await raceAbort(joinAll(this.model, query, list, signal), signal);
    for (const [index, text] of tokens.entries()) {
      this.#checkFits(`query with documents[${index}]`, text.length);
    }
    stopwatch.tokenized();
    const { values, ...cost } = await this.#engine.run(tokens, signal);
    const outputs = this.size as number;
    const scores = tokens.map((_, index) => values[index * outputs] as number);
    return { results: rank(list, scores, topN), ...stopwatch.complete(cost) };
  }

  /** Cancels running calls, waits for them, frees the context, and the model if loaded by `load`. */
  close(): Promise<void> {
    return this.#engine.close();
  }

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #admit(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    this.#engine.assertOpen();
    await raceAbort(this.ready, signal);
    this.#engine.assertOpen();
  }

  #checkFits(name: string, length: number): void {
    if (length <= this.contextSize) return;
    const message = `The ${length} tokens of ${name} do not fit in the context of ${this.contextSize}`;
    throw about(name, new ContextOverflowError(message));
  }

  async #tokensOf(
    texts: readonly Prompt[],
    signal: AbortSignal | undefined,
  ): Promise<Int32Array[]> {
    const strings = texts.filter((text) => typeof text === 'string');
    const tokenized =
      strings.length > 0 ? await tokenizeMany(this.model, strings, true, { signal }) : [];
    let next = 0;
    return texts.map((text) =>
      typeof text === 'string' ? (tokenized[next++] as Int32Array) : text,
    );
  }

  /** Copies each vector: keeping or transferring one must not retain or detach all the others. */
  #split(values: Float32Array, tokens: readonly Int32Array[]): Float32Array[] {
    const size = this.size as number;
    let end = 0;
    return tokens.map((text) => {
      const start = end;
      end += this.pooling === 'none' ? text.length * size : size;
      return values.slice(start, end);
    });
  }
}

function checkInput(input: unknown, vocabularySize: number): Prompt {
  if (typeof input !== 'string' && !types.isInt32Array(input)) {
    throw wrongType('a string, an Int32Array or an array of those', 'text', input);
  }
  return checkPrompt(input, 'text', vocabularySize);
}
