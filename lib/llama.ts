// LLaMa: a ChoiceLM on llama.cpp. What ChoiceLM makes of greedyImpl step by step, this does
// natively, one job per call, to the same numbers.

import { ChoiceLM } from './choice-lm.js';
import { raceAbort } from './common/abort.js';
import {
  checkOptions,
  checkPrompt,
  checkString,
  checkTokens,
  type Prompt,
} from './common/arguments.js';
import { type CallOptions, readSignal } from './common/call-options.js';
import type { Completion } from './common/completion.js';
import {
  type DetokenizeOptions,
  readDetokenizeOptions,
  readTokenizeOptions,
  type TokenizeOptions,
} from './common/text-options.js';
import { type Cost, Stopwatch } from './common/usage.js';
import type { ContextInfo } from './context/context-info.js';
import { type EvalOptions, type Evaluation, evaluate, readEvalOptions } from './context/eval.js';
import type { PromptState } from './context/state.js';
import type { TextEmbedding, TextEmbeddings } from './embedding/embedder.js';
import type { BeamRequest, BeamSearchResult } from './generation/beam-options.js';
import type { CompleteManyRequest } from './generation/complete-many.js';
import type { CompletionDefaults, CompletionRequest } from './generation/completion-options.js';
import type { Emit, Generation } from './generation/generation.js';
import { type LLaMaLoadOptions, type LLaMaOptions, llamaOptionNames } from './llama-options.js';
import { LLaMaSession, loadSession, openSession } from './llama-session.js';
import { type AdapterUse, readAdapterUses, type ScaledAdapter } from './model/adapter-use.js';
import { type ControlVector, readControlVectors } from './model/control-vector.js';
import { type Model, nativeOf } from './model/model.js';
import { checkPath } from './model/model-options.js';
import { textIn, tokenizeMany, withoutEnd } from './model/tokenize-many.js';
import {
  generateManyNatively,
  generateNatively,
  searchBeamsNatively,
} from './native/generation.js';
import { callNative, runJob } from './native/job.js';
import { readCandidates, readLogprobs } from './native/logits.js';
import { holdsTasks, holdsTree, scoreNatively, scoreTogether } from './native/trees.js';
import type { TokenChoiceTree } from './tree/token-choice-tree.js';
import type { TreeRequest, TreeScores, TreeTask } from './tree/tree-scoring.js';

/**
 * llama.cpp as an LM: one context, with a thread and a queue of its own. Calls may overlap;
 * they run in turn. A local engine fails for reasons that waiting does not mend, so nothing
 * is tried again.
 *
 * @example
 * await using lm = await LLaMa.load('models/default.gguf');
 * const { text } = await lm.choose('The sky is', [' blue', ' green']);
 */
export class LLaMa extends ChoiceLM {
  /** The model, which other LLaMas may share. */
  readonly model: Model;
  readonly #session: LLaMaSession;
  readonly #completion: CompletionDefaults;

  /**
   * Returns at once, with the context in the making: see {@link ready}. The model stays the
   * caller's to close.
   *
   * @throws TypeError, RangeError for options that are not what their comments say
   */
  constructor(model: Model, options?: LLaMaOptions);
  /** @internal */
  constructor(session: LLaMaSession, options: { completion: CompletionDefaults });
  constructor(source: Model | LLaMaSession, options?: LLaMaOptions) {
    const given = checkOptions(options, 'options', llamaOptionNames);
    super({ completion: given.completion });
    this.#completion = given.completion ?? {};
    this.#session = source instanceof LLaMaSession ? source : openSession(source, given, false);
    this.model = this.#session.model;
  }

  /**
   * Loads a model and builds a context; {@link close} frees both.
   *
   * @throws ModelLoadError, and what {@link ready} rejects with
   */
  static async load(path: string, options?: LLaMaLoadOptions): Promise<LLaMa> {
    const { session, completion } = await loadSession(path, options);
    return new LLaMa(session, { completion });
  }

  /** Resolves when the context stands; rejects, as all calls do then, where it cannot be built. */
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

  /**
   * What the context was built with, and what of it is in effect. Throws ClosedError until
   * {@link ready} has resolved; stays after {@link close}.
   */
  get contextInfo(): ContextInfo {
    return this.#session.contextInfo;
  }

  /** The adapters in use, with their scales, as {@link setAdapters} was last given them. */
  get adapters(): readonly ScaledAdapter[] {
    return this.#session.adapters;
  }

  /** The model's BOS, or else its EOS, as lm-evaluation-harness has it. */
  override get beginToken(): number | undefined {
    const { bos, eos } = this.model.vocab;
    const token = bos ?? eos;
    return token === undefined || token < 0 ? undefined : token;
  }

  override get endOfGeneration(): Int32Array {
    return this.model.vocab.endOfGeneration;
  }

  /**
   * The same model and context, with other defaults of `complete`; what is not given stays.
   * The two are one engine: closing either closes both.
   */
  with(options: { completion?: CompletionDefaults | undefined }): LLaMa {
    const { completion } = checkOptions(options, 'options', ['completion']);
    return new LLaMa(this.#session, { completion: { ...this.#completion, ...completion } });
  }

  override async tokenize(text: string, options?: TokenizeOptions): Promise<Int32Array> {
    checkString(text, 'text');
    const { addSpecial, parseSpecial, signal } = readTokenizeOptions(options);
    await this.admit(signal);
    return runJob(() => nativeOf(this.model).tokenize(text, addSpecial, parseSpecial), signal);
  }

  override async detokenize(tokens: Int32Array, options?: DetokenizeOptions): Promise<string> {
    const copy = checkTokens(tokens, 'tokens', this.vocabularySize).slice();
    const { special, signal } = readDetokenizeOptions(options);
    await this.admit(signal);
    return runJob(() => nativeOf(this.model).detokenize(copy, special), signal);
  }

  /**
   * Raw logits after the last token of the prompt, after all, or after those asked for.
   *
   * @throws RangeError for positions that are not ascending and in the prompt, and for an
   * `into` that is too short; ContextOverflowError
   */
  async eval(prompt: Prompt, options?: EvalOptions): Promise<Evaluation> {
    const stopwatch = new Stopwatch();
    const input = checkPrompt(prompt, 'prompt', this.vocabularySize);
    const request = readEvalOptions(options);
    const tokens = await this.admitPrompt(input, request.signal);
    stopwatch.tokenized();
    const { cost, ...rows } = await evaluate(this.#session, tokens, request);
    return { ...rows, ...stopwatch.complete(cost) };
  }

  /** Decodes a prompt into the prefix cache, so that calls that begin with it are quick. */
  async ingest(prompt: Prompt, options?: CallOptions): Promise<Cost> {
    const stopwatch = new Stopwatch();
    const input = checkPrompt(prompt, 'prompt', this.vocabularySize);
    const signal = readSignal(options);
    const tokens = await this.admitPrompt(input, signal);
    stopwatch.tokenized();
    return stopwatch.complete(await this.#session.ingest(tokens, signal));
  }

  /**
   * The vector of a text, as {@link Embedder.embed} has it: by an Embedder on the same model, of
   * the option `embeddings`, which is built at the first call and closed with the LM.
   *
   * @throws as {@link Embedder.ready} and {@link Embedder.embed} do
   */
  embed(text: Prompt, options?: CallOptions): Promise<TextEmbedding>;
  /** The vectors of several texts. */
  embed(texts: readonly Prompt[], options?: CallOptions): Promise<TextEmbeddings>;
  async embed(
    input: Prompt & readonly Prompt[],
    options?: CallOptions,
  ): Promise<TextEmbedding | TextEmbeddings> {
    await super.admit(undefined);
    return this.#session.embedder.embed(input, options);
  }

  /**
   * Writes what the engine keeps of a prompt to the file `path`, and what it belongs to to
   * `path + '.json'`, so that {@link loadState} finds the prompt decoded. What is not cached of it
   * is decoded first. Without a prompt: that which was used last.
   *
   * @throws LMError `STATE_NOT_SAVED` where nothing is cached, or the files cannot be written;
   * ContextOverflowError
   */
  async saveState(path: string, prompt?: Prompt, options?: CallOptions): Promise<PromptState> {
    const stopwatch = new Stopwatch();
    checkPath(path, 'path');
    const input =
      prompt === undefined ? undefined : checkPrompt(prompt, 'prompt', this.vocabularySize);
    const signal = readSignal(options);
    await this.admit(signal);
    const tokens = input === undefined ? undefined : await this.promptTokens(input, signal);
    if (tokens !== undefined) this.checkFits(tokens.length);
    stopwatch.tokenized();
    const state = await this.#session.saveState(path, tokens, signal);
    return { tokens: state.tokens, ...stopwatch.complete(state) };
  }

  /**
   * Puts a state of {@link saveState} in the prefix cache, in place of the prompt that was used
   * longest ago: calls with its prompt find all of it there. It has to be of the same model,
   * context and build, and unaltered; else nothing of it is used.
   *
   * @throws LMError `STATE_MISMATCH`, saying what differs; ContextOverflowError for a prompt that
   * is longer than this context
   */
  async loadState(path: string, options?: CallOptions): Promise<PromptState> {
    const stopwatch = new Stopwatch();
    checkPath(path, 'path');
    const signal = readSignal(options);
    await this.admit(signal);
    const state = await this.#session.loadState(path, signal);
    return { tokens: state.tokens, ...stopwatch.complete(state) };
  }

  /** Forgets every cached prompt. */
  async clear(): Promise<void> {
    await this.admit(undefined);
    await this.#session.run((session) => session.clear());
  }

  /**
   * Puts adapters in place of all that are in use, each with a scale of its own; `[]` removes
   * them. Every cached prompt is forgotten. Calls that came before finish first, but one of
   * several steps, such as a `choose` with a prior, may be cut in two: await it.
   *
   * @throws RangeError for an adapter of another model, or given twice; ClosedError for a closed
   * one; NotSupportedError for one that the engine cannot compute with, and those in use stay
   */
  async setAdapters(adapters: readonly AdapterUse[], options?: CallOptions): Promise<void> {
    const uses = readAdapterUses(adapters, this.model);
    const signal = readSignal(options);
    await this.admit(signal);
    await this.#session.setAdapters(uses, signal);
  }

  /**
   * Adds a vector, or the sum of several, to what leaves the model's layers, in place of what was
   * added before; undefined removes it. Every cached prompt is forgotten, as by
   * {@link setAdapters}.
   *
   * @throws ModelLoadError for a file that is no control vector of this model; RangeError for data
   * or layers that do not fit it; NotSupportedError for an architecture that takes none
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

  /** Ends what runs, waits for it, frees the context, and the model if `load` loaded it. */
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

  protected override async tokenizePrompt(text: string): Promise<Int32Array> {
    return withoutEnd(this.model, await super.tokenizePrompt(text));
  }

  protected override async tokenizePrompts(texts: readonly string[]): Promise<Int32Array[]> {
    const lists = await tokenizeMany(this.model, texts, true);
    return lists.map((tokens) => withoutEnd(this.model, tokens));
  }

  protected override tokenizeTexts(texts: readonly string[]): Promise<Int32Array[]> {
    return tokenizeMany(this.model, texts, false);
  }

  protected override textOf(tokens: Int32Array): string {
    return callNative(() => nativeOf(this.model).detokenizeSync(tokens, true));
  }

  protected override greedyImpl(tokens: Int32Array, signal?: AbortSignal): Promise<Float32Array> {
    return readLogprobs(this.#session, tokens, signal);
  }

  protected override nextLogprobs(tokens: Int32Array, signal?: AbortSignal): Promise<Float32Array> {
    return this.greedyImpl(tokens, signal);
  }

  protected override candidatesImpl(
    tokens: Int32Array,
    k: number,
    signal: AbortSignal | undefined,
  ): Promise<{ token: number; logprob: number }[]> {
    return readCandidates(this.#session, tokens, k, signal);
  }

  protected override generateImpl(
    tokens: Int32Array,
    request: CompletionRequest,
    emit: Emit | undefined,
    stopped: AbortSignal,
  ): Promise<Generation> {
    return generateNatively(this.#session, tokens, request, emit, stopped, textIn(this.model));
  }

  protected override generateMany(
    prompts: readonly Int32Array[],
    request: CompleteManyRequest,
    stopwatch: Stopwatch,
  ): Promise<Completion[]> {
    return generateManyNatively(this.#session, prompts, request, stopwatch, textIn(this.model));
  }

  protected override beamSearchImpl(
    tokens: Int32Array,
    request: BeamRequest,
  ): Promise<BeamSearchResult> {
    return searchBeamsNatively(this.#session, tokens, request);
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

  /** As many as one decode holds, so that results come as soon as they can. */
  protected override packs(tasks: readonly TreeTask[]): boolean {
    return holdsTasks(this.#session.limits, tasks);
  }

  protected override async scoreTrees(
    tasks: readonly TreeTask[],
    signal: AbortSignal | undefined,
  ): Promise<(TreeScores & Cost)[]> {
    if (tasks.length === 1) return super.scoreTrees(tasks, signal);
    return scoreTogether(this.#session, tasks, signal);
  }
}
