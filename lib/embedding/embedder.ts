// Embedder: texts to vectors, and documents to a ranking, on llama.cpp. LLaMa.embed makes one.

import { types } from 'node:util';
import { raceAbort } from '../common/abort.js';
import {
  checkOptions,
  checkPrompt,
  checkString,
  checkStrings,
  type Prompt,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import { type CallOptions, readSignal } from '../common/call-options.js';
import { ContextOverflowError, NotSupportedError } from '../common/errors.js';
import { pick } from '../common/pick.js';
import { type Cost, Stopwatch } from '../common/usage.js';
import { Model } from '../model/model.js';
import { type ModelOptions, modelOptionNames, readModelOptions } from '../model/model-options.js';
import { tokenizeMany } from '../model/tokenize-many.js';
import { EmbeddingEngine } from './embedding-engine.js';
import {
  type EmbeddingOptions,
  embeddingOptionNames,
  type Pooling,
  readEmbeddingOptions,
} from './embedding-options.js';
import { joinAll, type Ranking, type RerankOptions, rank, readRerankOptions } from './rerank.js';

/** What `embed` gives of one text. */
export interface TextEmbedding extends Cost {
  /**
   * {@link Embedder.size} numbers. With pooling `'none'` that many for each token, special tokens
   * included, row-major: the i-th token's begin at i times the size.
   */
  embedding: Float32Array;
}

/** What `embed` gives of several texts. */
export interface TextEmbeddings extends Cost {
  /** In the order of the texts, each as the `embedding` of one. None shares memory with another. */
  embeddings: Float32Array[];
}

/** Options of `Embedder.load`: those of its model and its own. */
export interface EmbedderLoadOptions extends ModelOptions, EmbeddingOptions {}

/**
 * A model that embeds: an encoder, a ranker, or any LM that can be asked for its last layer. It
 * has a thread and a queue of its own; calls may overlap and run in turn. Close it when done.
 *
 * @example
 * await using embedder = await Embedder.load('models/default.gguf');
 * const { embedding } = await embedder.embed('The sky is blue');
 */
export class Embedder implements AsyncDisposable {
  /** The model, which others may share. */
  readonly model: Model;
  readonly #engine: EmbeddingEngine;
  readonly #contextSize: number;

  /**
   * Returns at once, with the context in the making: see {@link ready}. The model stays the
   * caller's to close.
   *
   * @throws TypeError, RangeError for options that are not what their comments say
   */
  constructor(model: Model, options?: EmbeddingOptions);
  /** @internal */
  constructor(model: Model, options: EmbeddingOptions | undefined, ownsModel: boolean);
  constructor(model: Model, options?: EmbeddingOptions, ownsModel = false) {
    if (!(model instanceof Model)) throw wrongType('a Model', 'model', model);
    const request = readEmbeddingOptions(options, model.info.trainContextSize);
    this.model = model;
    this.#contextSize = request.native.contextSize;
    this.#engine = new EmbeddingEngine(model, request, ownsModel);
  }

  /**
   * Loads a model and builds a context; {@link close} frees both.
   *
   * @throws ModelLoadError, and what {@link ready} rejects with
   */
  static async load(path: string, options?: EmbedderLoadOptions): Promise<Embedder> {
    const given = checkOptions(options, 'options', [...modelOptionNames, ...embeddingOptionNames]);
    const modelOptions = pick(given, modelOptionNames);
    const own = pick(given, embeddingOptionNames);
    // What is wrong with the options is said before minutes are spent on a model.
    readModelOptions(modelOptions);
    readEmbeddingOptions(own, 0);
    const model = await Model.load(path, modelOptions);
    let embedder: Embedder | undefined;
    try {
      embedder = new Embedder(model, own, true);
      await raceAbort(embedder.ready, given.signal);
      return embedder;
    } catch (error) {
      const closing = (embedder ?? model).close();
      // An abort does not wait for a context that is still being built.
      await (given.signal?.aborted ? raceAbort(closing, given.signal) : closing).catch(() => {});
      throw error;
    }
  }

  /**
   * Resolves when the context stands. Rejects, as all calls do then, where it cannot be built:
   * NotSupportedError for a model that cannot embed, or has no head for pooling `'rank'`;
   * RangeError for a context longer than a model's table of positions.
   */
  get ready(): Promise<void> {
    return this.#engine.ready;
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#engine.closed;
  }

  /** Most tokens of a text, or of a query with a document. */
  get contextSize(): number {
    return this.#contextSize;
  }

  /** Numbers of one vector, or of a classifier's outputs. Undefined until {@link ready}. */
  get size(): number | undefined {
    return this.#engine.info?.size;
  }

  /** How texts are pooled. Undefined until {@link ready}. */
  get pooling(): Pooling | undefined {
    return this.#engine.info?.pooling;
  }

  /** What a classifier's outputs are called, where its file says; empty until {@link ready}. */
  get labels(): readonly string[] {
    return this.#engine.info?.labels ?? [];
  }

  /**
   * The vector of a text: a string with the special tokens that the model wants around it, or
   * token ids as they are. With pooling `'rank'`, a classifier's raw outputs.
   *
   * @throws RangeError for a text without tokens; ContextOverflowError for one that is too long
   */
  embed(text: Prompt, options?: CallOptions): Promise<TextEmbedding>;
  /** The vectors of several texts, decoded together as far as they fit; none for none. */
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
    const tokens = await raceAbort(this.#tokensOf(texts), signal);
    const name = (index: number): string => (isList ? `texts[${index}]` : 'text');
    for (const [index, text] of tokens.entries()) {
      if (text.length === 0) throw wrongRange('at least one token', name(index), texts[index]);
      this.#checkFits(name(index), text.length);
    }
    stopwatch.tokenized();
    const { values, ...cost } = await this.#engine.run(tokens, signal);
    const embeddings = this.#split(values, tokens);
    const spent = stopwatch.complete(cost);
    return isList
      ? { embeddings, ...spent }
      : { embedding: embeddings[0] as Float32Array, ...spent };
  }

  /**
   * Documents by how well they answer a query.
   *
   * @throws NotSupportedError where the model is none that ranks; ContextOverflowError where query
   * and document do not fit together
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
    const tokens = await raceAbort(joinAll(this.model, query, list), signal);
    for (const [index, text] of tokens.entries()) {
      this.#checkFits(`query with documents[${index}]`, text.length);
    }
    stopwatch.tokenized();
    const { values, ...cost } = await this.#engine.run(tokens, signal);
    const outputs = this.size as number;
    const scores = tokens.map((_, index) => values[index * outputs] as number);
    return { results: rank(list, scores, topN), ...stopwatch.complete(cost) };
  }

  /** Ends what runs, waits for it, frees the context, and the model if `load` loaded it. */
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
    throw new ContextOverflowError(
      `The ${length} tokens of ${name} do not fit in the context of ${this.contextSize}`,
    );
  }

  async #tokensOf(texts: readonly Prompt[]): Promise<Int32Array[]> {
    const strings = texts.filter((text) => typeof text === 'string');
    const tokenized = strings.length > 0 ? await tokenizeMany(this.model, strings, true) : [];
    let next = 0;
    return texts.map((text) =>
      typeof text === 'string' ? (tokenized[next++] as Int32Array) : text,
    );
  }

  /** Copies, so that one that is kept or sent away does not take all the others with it. */
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
