// LLaMa: a ChoiceLM on llama.cpp. It computes natively, in one job per call, what ChoiceLM derives.

import type { TokenSource } from './automaton/token-source.js';
import { ChoiceLM } from './choice-lm.js';
import { raceAbort } from './common/abort.js';
import { checkOptions, checkPrompt, type Prompt } from './common/arguments.js';
import { type CallOptions, readSignal } from './common/call-options.js';
import type { Completion } from './common/completion.js';
import type { DetokenizeOptions, TokenizeOptions } from './common/text-options.js';
import { type Cost, Stopwatch } from './common/usage.js';
import type { ContextInfo } from './context/context-info.js';
import { type EvalOptions, type Evaluation, evaluate, readEvalOptions } from './context/eval.js';
import type { PromptState } from './context/state.js';
import type { TextEmbedding, TextEmbeddings } from './embedding/embedder.js';
import type { BeamRequest, BeamSearchResult } from './generation/beam-options.js';
import type { ManyRun } from './generation/complete-many.js';
import type { CompletionDefaults } from './generation/completion-options.js';
import type { Generation, GenerationRun } from './generation/generation.js';
import { type LLaMaLoadOptions, type LLaMaOptions, llamaOptionNames } from './llama-options.js';
import { LLaMaSession, loadSession, openSession } from './llama-session.js';
import { type AdapterUse, readAdapterUses, type ScaledAdapter } from './model/adapter-use.js';
import { type ControlVector, readControlVectors } from './model/control-vector.js';
import { guardOf, type Model } from './model/model.js';
import { checkPath, type FilePath } from './model/model-options.js';
import * as textJobs from './model/text-jobs.js';
import { textIn, tokenizeMany, withoutEnd } from './model/tokenize-many.js';
import {
  generateManyNatively,
  generateNatively,
  searchBeamsNatively,
} from './native/generation.js';
import { readCandidates, readLogprobs } from './native/logits.js';
import { searchThoughtsNatively } from './native/thoughts.js';
import { holdsTasks, holdsTree, scoreNatively, scoreTogether } from './native/trees.js';
import type { PlanRun, Thoughts } from './thoughts/search-types.js';
import type { TokenChoiceTree } from './tree/token-choice-tree.js';
import type { TreeRequest, TreeScores, TreeTask } from './tree/tree-scoring.js';

/**
 * llama.cpp as an LM: one context with its own thread and job queue. Calls may overlap; their jobs
 * run in order. Nothing is retried, since a retry does not fix the failures of a local engine.
 *
 * @example
 * await using lm = await LLaMa.load('models/default.gguf');
 * const { text } = await lm.choose('The sky is', [' blue', ' green']);
 */
export class LLaMa extends ChoiceLM {
  /** The model, which several LLaMas may share. */
  readonly model: Model;
  readonly #session: LLaMaSession;
  readonly #completion: CompletionDefaults;

  /**
   * Returns while the context is being built: see {@link ready}. The caller closes the model.
   *
   * @throws TypeError, RangeError for invalid options
   */
  constructor(model: Model, options?: LLaMaOptions);
  /** @internal */
  constructor(session: LLaMaSession, options: { completion: CompletionDefaults });
  constructor(source: Model | LLaMaSession, options?: LLaMaOptions) {
    const checked = checkOptions(options, 'options', llamaOptionNames);
    super({ completion: checked.completion });
    this.#completion = checked.completion ?? {};
    this.#session = source instanceof LLaMaSession ? source : openSession(source, checked, false);
    this.model = this.#session.model;
  }

  /**
   * Loads a model and builds a context; {@link close} frees both.
   *
   * @throws ModelLoadError, and whatever {@link ready} rejects with
   */
  static async load(path: FilePath, options?: LLaMaLoadOptions): Promise<LLaMa> {
    const { session, completion } = await loadSession(path, options);
    return new LLaMa(session, { completion });
  }

  /** Resolves when the context is built; if it cannot be, this and all calls reject. */
  get ready(): Promise<void> {
    return this.#session.ready;
  }

  override get closed(): boolean {
    return this.#session.closed;
  }

  override get vocabularySize(): number {
    return this.model.vocab.size;
  }

  override get contextSize(): number {
    return this.#session.contextSize;
  }

  override get encoderDecoder(): boolean {
    return this.#session.encoderDecoder;
  }

  /** The effective settings, also after {@link close}; ClosedError before {@link ready}. */
  get contextInfo(): ContextInfo {
    return this.#session.contextInfo;
  }

  /** The adapters in use with their scales, as set by {@link setAdapters}. */
  get adapters(): readonly ScaledAdapter[] {
    return this.#session.adapters;
  }

  /** The model's BOS, or else its EOS, as in lm-evaluation-harness. */
  override get beginToken(): number | undefined {
    const { bos, eos } = this.model.vocab;
    const token = bos ?? eos;
    return token === undefined || token < 0 ? undefined : token;
  }

  override get endOfGeneration(): Int32Array {
    return this.model.vocab.endOfGeneration;
  }

  /** The same engine with other defaults of `complete`; closing either LLaMa closes both. */
  with(options: { completion?: CompletionDefaults | undefined }): LLaMa {
    const { completion } = checkOptions(options, 'options', ['completion']);
    return new LLaMa(this.#session, { completion: { ...this.#completion, ...completion } });
  }

  override tokenize(text: string, options?: TokenizeOptions): Promise<Int32Array> {
    return textJobs.tokenize(this.model, text, options, (signal) => this.admit(signal));
  }

  override detokenize(tokens: Int32Array, options?: DetokenizeOptions): Promise<string> {
    return textJobs.detokenize(this.model, tokens, options, (signal) => this.admit(signal));
  }

  /**
   * Raw logits after the last token of the prompt or its continuation, after all, or after the
   * requested ones. An {@link encoderDecoder}'s are those of the decoder.
   *
   * @throws RangeError for positions that are not ascending or not in the sequence, and for an
   * `into` that is too short; ContextOverflowError
   */
  async eval(prompt: Prompt, options?: EvalOptions): Promise<Evaluation> {
    const stopwatch = new Stopwatch();
    const input = checkPrompt(prompt, 'prompt', this.vocabularySize);
    const request = readEvalOptions(options, this.vocabularySize);
    const tokens = await this.admitPrompt(input, request.signal);
    stopwatch.tokenized();
    const { cost, ...rows } = await evaluate(this.#session, tokens, request);
    return { ...rows, ...stopwatch.complete(cost) };
  }

  /** Decodes a prompt into the prefix cache, so that calls that begin with it are fast. */
  async ingest(prompt: Prompt, options?: CallOptions): Promise<Cost> {
    const stopwatch = new Stopwatch();
    const input = checkPrompt(prompt, 'prompt', this.vocabularySize);
    const signal = readSignal(options);
    const tokens = await this.admitPrompt(input, signal);
    stopwatch.tokenized();
    return stopwatch.complete(await this.#session.ingest(tokens, signal));
  }

  /**
   * The embedding of a text by an {@link Embedder} on the same model, with the LM's option
   * `embeddings`. It is built on the first call and closed with the LM.
   *
   * @throws as {@link Embedder.ready} and {@link Embedder.embed} do
   */
  embed(text: Prompt, options?: CallOptions): Promise<TextEmbedding>;
  /** The embeddings of several texts. */
  embed(texts: readonly Prompt[], options?: CallOptions): Promise<TextEmbeddings>;
  async embed(
    input: Prompt & readonly Prompt[],
    options?: CallOptions,
  ): Promise<TextEmbedding | TextEmbeddings> {
    await super.admit(undefined);
    return this.#session.embedder.embed(input, options);
  }

  /**
   * Saves a prompt's KV cache to `path`, and a description of its model and context to
   * `path + '.json'`, after decoding uncached tokens. Default prompt: the most recently used one.
   *
   * @throws LMError `STATE_NOT_SAVED` if nothing is cached or the files cannot be written;
   * ContextOverflowError
   */
  async saveState(path: FilePath, prompt?: Prompt, options?: CallOptions): Promise<PromptState> {
    const stopwatch = new Stopwatch();
    const file = checkPath(path, 'path');
    const input =
      prompt === undefined ? prompt : checkPrompt(prompt, 'prompt', this.vocabularySize);
    const signal = readSignal(options);
    await this.admit(signal);
    const tokens = input === undefined ? undefined : await this.admitPrompt(input, signal);
    stopwatch.tokenized();
    return this.#session.saveState(file, tokens, stopwatch, signal);
  }

  /**
   * Loads a state of {@link saveState} into the prefix cache, in place of the least recently used
   * prompt. Uses nothing of it unless it is unmodified and of the same model, context and build.
   *
   * @throws LMError `STATE_MISMATCH`, which reports what differs; ContextOverflowError for a prompt
   * that does not fit in this context
   */
  async loadState(path: FilePath, options?: CallOptions): Promise<PromptState> {
    const stopwatch = new Stopwatch();
    const file = checkPath(path, 'path');
    const signal = readSignal(options);
    await this.admit(signal);
    return this.#session.loadState(file, stopwatch, signal);
  }

  /** Clears the prefix cache. */
  async clear(): Promise<void> {
    await this.admit(undefined);
    await this.#session.run((session) => session.clear());
  }

  /**
   * Replaces all adapters in use; `[]` removes them. Clears the prefix cache. Earlier jobs finish
   * first; a running call of several jobs, such as a `choose` with a prior, may see the change midway.
   *
   * @throws RangeError for an adapter of another model, or a duplicate; ClosedError for a closed
   * one; NotSupportedError for one that the engine does not support; the adapters in use then stay
   */
  async setAdapters(adapters: readonly AdapterUse[], options?: CallOptions): Promise<void> {
    const uses = readAdapterUses(adapters, this.model);
    const signal = readSignal(options);
    await this.admit(signal);
    await this.#session.setAdapters(uses, signal);
  }

  /**
   * Sets the control vector, or the sum of several, that is added to the layers' outputs;
   * undefined removes it. Clears the prefix cache, like {@link setAdapters}.
   *
   * @throws ModelLoadError for a file that is not a control vector of this model; RangeError for
   * data or layers that do not fit it; NotSupportedError if its architecture does not support them
   */
  async setControlVector(
    vector: ControlVector | readonly ControlVector[] | undefined,
    options?: CallOptions,
  ): Promise<void> {
    const parts = readControlVectors(vector, this.model);
    const signal = readSignal(options);
    await this.admit(signal);
    await this.#session.setControlVectors(parts, signal);
  }

  /** Cancels running calls, frees the context, and closes the model if `load` loaded it. */
  override close(): Promise<void> {
    return this.#session.close();
  }

  override get revision(): number {
    return this.#session.revision;
  }

  protected override async admit(signal: AbortSignal | undefined): Promise<void> {
    await super.admit(signal);
    await raceAbort(this.ready, signal);
    this.#session.assertOpen();
  }

  protected override async tokenizePrompt(text: string, signal?: AbortSignal): Promise<Int32Array> {
    return withoutEnd(this.model, await super.tokenizePrompt(text, signal));
  }

  /** @internal */
  override tokenizeEach(texts: readonly string[], options: TokenizeOptions) {
    return textJobs.tokenizeEach(this.model, texts, options, (signal) => this.admit(signal));
  }

  protected override tokenizePrompts(texts: readonly string[], signal?: AbortSignal) {
    return textJobs.tokenizePrompts(this.model, texts, signal);
  }

  protected override tokenizeTexts(texts: readonly string[], signal?: AbortSignal) {
    return textJobs.tokenizeContinuations(this.model, texts, { signal });
  }

  protected override get tokenSource(): TokenSource {
    const texts = (tokens: Int32Array) => textJobs.bytesAsTexts(this.model, tokens);
    return { ...super.tokenSource, owner: this.model, texts };
  }

  protected override tokenizeDecoderTexts(texts: readonly string[]): Promise<Int32Array[]> {
    return tokenizeMany(this.model, texts, false);
  }

  protected override textOf(tokens: Int32Array): string {
    return textJobs.textOfTokens(this.model, tokens);
  }

  protected override greedyImpl(tokens: Int32Array, signal?: AbortSignal): Promise<Float32Array> {
    return readLogprobs(this.#session, tokens, signal);
  }

  protected override nextLogprobs(tokens: Int32Array, signal?: AbortSignal): Promise<Float32Array> {
    return this.greedyImpl(tokens, signal);
  }

  protected override candidatesImpl(tokens: Int32Array, k: number, signal?: AbortSignal) {
    return readCandidates(this.#session, tokens, k, signal);
  }

  protected override checkRequest(): void {} // The engine checks it.

  protected override generateImpl(...run: GenerationRun): Promise<Generation> {
    return generateNatively(this.#session, textIn(this.model), ...run);
  }

  protected override generateMany(...run: ManyRun): Promise<Completion[]> {
    return generateManyNatively(this.#session, textIn(this.model), ...run);
  }

  protected override beamSearchImpl(
    ...search: [Int32Array, BeamRequest]
  ): Promise<BeamSearchResult> {
    return searchBeamsNatively(this.#session, ...search);
  }

  protected override evaluateImpl(...run: PlanRun): Promise<Thoughts> {
    return searchThoughtsNatively(this.#session, this.endOfGeneration, guardOf(this.model), ...run);
  }

  protected override scoreTree(
    prompt: Int32Array,
    tree: TokenChoiceTree,
    request: TreeRequest,
  ): Promise<TreeScores & Cost> {
    return scoreNatively(this.#session, prompt, tree, request);
  }

  protected override holdsInOneBatch(tree: TokenChoiceTree, request: TreeRequest): boolean {
    return holdsTree(this.#session.limits, tree, request);
  }

  protected override packs(tasks: readonly TreeTask[]): boolean {
    return holdsTasks(this.#session, tasks);
  }

  protected override async scoreTrees(
    tasks: readonly TreeTask[],
    signal: AbortSignal | undefined,
  ): Promise<(TreeScores & Cost)[]> {
    if (tasks.length > 1) return scoreTogether(this.#session, tasks, signal);
    return super.scoreTrees(tasks, signal);
  }
}
