// A LLaMa's session: its native context and, once `embed` is called, an Embedder. A LLaMa and the
// variants that `with` creates share one.

import { resolve } from 'node:path';
import { raceAbort } from './common/abort.js';
import { wrongType } from './common/arguments.js';
import { warnOfThreads } from './common/available-cores.js';
import { pick } from './common/pick.js';
import type { Cost, Stopwatch } from './common/usage.js';
import { contextOptionNames, readContextOptions } from './context/context-options.js';
import { warnOfScale } from './context/rope.js';
import { Session } from './context/session.js';
import type { PromptState } from './context/state.js';
import { Embedder } from './embedding/embedder.js';
import { type EmbeddingOptions, readEmbeddingOptions } from './embedding/embedding-options.js';
import type { CompletionDefaults } from './generation/completion-options.js';
import { type LLaMaLoadOptions, type LLaMaOptions, readLoadOptions } from './llama-options.js';
import { type ControlVectorPart, sumOfParts } from './model/control-vector.js';
import { Model } from './model/model.js';
import type { FilePath } from './model/model-options.js';
import type { NativeSessionOptions } from './native/binding.js';
import { costFromNative } from './native/usage.js';

/** A {@link Session} that can also embed. */
export class LLaMaSession extends Session {
  readonly #embeddings: EmbeddingOptions;
  #embedder: Embedder | undefined;

  constructor(
    model: Model,
    options: NativeSessionOptions,
    ownsModel: boolean,
    embeddings: EmbeddingOptions,
  ) {
    super(model, options, ownsModel);
    this.#embeddings = embeddings;
  }

  /** Embeds with the same model, in a separate context that is built on first use. */
  get embedder(): Embedder {
    this.assertOpen();
    const { threads } = this.settings;
    this.#embedder ??= new Embedder(this.model, { threads, ...this.#embeddings });
    return this.#embedder;
  }

  /** Decodes a prompt into the prefix cache. */
  async ingest(tokens: Int32Array, signal: AbortSignal | undefined): Promise<Cost> {
    const usage = await this.run((session, cancellation) => {
      return session.ingest(tokens, cancellation);
    }, signal);
    return costFromNative(usage);
  }

  /** Replaces the control vector in use by the sum of these. */
  async setControlVectors(
    parts: readonly ControlVectorPart[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.setControlVector(await sumOfParts(parts, this.model, signal), signal);
  }

  /** Saves the state of a prompt, or of the most recently used one. */
  async saveState(
    path: string,
    tokens: Int32Array | undefined,
    stopwatch: Stopwatch,
    signal: AbortSignal | undefined,
  ): Promise<PromptState> {
    const { saveState } = await import('./context/state.js');
    const state = await saveState(this, resolve(path), tokens, signal);
    return { tokens: state.tokens, ...stopwatch.complete(state) };
  }

  /** Loads a saved state into the prefix cache. */
  async loadState(
    path: string,
    stopwatch: Stopwatch,
    signal: AbortSignal | undefined,
  ): Promise<PromptState> {
    const { loadState } = await import('./context/state.js');
    const state = await loadState(this, resolve(path), signal);
    return { tokens: state.tokens, ...stopwatch.complete(state) };
  }

  protected override async closeCompanions(): Promise<void> {
    await this.#embedder?.close();
  }
}

/** Starts to build a context for a model; throws for options that do not fit the model. */
export function openSession(model: Model, options: LLaMaOptions, ownsModel: boolean): LLaMaSession {
  if (!(model instanceof Model)) throw wrongType('a Model', 'model', model);
  const context = pick(options, contextOptionNames);
  const request = readContextOptions(context, model.info);
  readEmbeddingOptions(options.embeddings, model.info.trainContextSize);
  warnOfScale(context, request.contextSize, model.info);
  warnOfThreads(request.threads, request.threadsBatch);
  return new LLaMaSession(model, request, ownsModel, { ...options.embeddings });
}

/** Loads a model and builds a session that owns it. Implements `LLaMa.load`. */
export async function loadSession(
  path: FilePath,
  options: LLaMaLoadOptions | undefined,
): Promise<{ session: LLaMaSession; completion: CompletionDefaults }> {
  const { modelOptions, given } = readLoadOptions(options);
  const { completion = {}, signal } = given;
  const model = await Model.load(path, modelOptions);
  let session: LLaMaSession | undefined;
  try {
    session = openSession(model, given, true);
    await raceAbort(session.ready, signal);
    return { session, completion };
  } catch (error) {
    const closing = (session ?? model).close();
    // An abort does not wait for a context that is still being built.
    await (signal?.aborted ? raceAbort(closing, signal) : closing).catch(() => {});
    throw error;
  }
}
