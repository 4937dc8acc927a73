// TfLM: a ChoiceLM on a Hugging Face Transformers model, through the package
// @huggingface/transformers and ONNX Runtime. It implements greedyImpl like any ChoiceLM; a prefix
// cache and batched trees make it fast.

import { ChoiceLM } from '../choice-lm.js';
import { type Next, scoreByGreedy } from '../choose/greedy-tree.js';
import { raceAbort } from '../common/abort.js';
import { checkString, checkTokens } from '../common/arguments.js';
import { requirePeer } from '../common/peers.js';
import type { DetokenizeOptions, TokenizeOptions } from '../common/text-options.js';
import { readDetokenizeOptions, readTokenizeOptions } from '../common/text-options.js';
import { type Cost, noCost, type Usage } from '../common/usage.js';
import type { BeamRequest, BeamSearchResult } from '../generation/beam-options.js';
import { searchBeams } from '../generation/beam-search.js';
import type { CompletionRequest } from '../generation/completion-options.js';
import { checkPortable, type Generator, generate } from '../generation/generate.js';
import type { Emit, Generation } from '../generation/generation.js';
import type { TokenChoiceTree } from '../tree/token-choice-tree.js';
import type { TreeRequest, TreeScores } from '../tree/tree-scoring.js';
import { Engine } from './engine.js';
import { Plan, scoreByLevels } from './levels.js';
import { type Loaded, load } from './loading.js';
import type { Peer } from './peer.js';
import {
  checkName,
  readTfLMOptions,
  type TfLMLoadOptions,
  type TfLMRequest,
} from './tflm-options.js';

/** Limits the default batch size: many models output the logits of every token of a batch. */
const maxLogits = 2 ** 25;
/** The limit of the keys and values of a batch of tree rows, by default. */
const maxPastBytes = 2 ** 28;
const maxRows = 32;

/**
 * A Hugging Face Transformers model as an LM, from a local folder or from the hub. Calls may
 * overlap; their forward passes run one at a time, and each blocks the calling thread.
 *
 * @example
 * await using lm = await TfLM.load('HuggingFaceTB/SmolLM2-135M', { dtype: 'q8' });
 * const { text } = await lm.choose('The sky is', [' blue', ' green']);
 */
export class TfLM extends ChoiceLM {
  /** The folder or the id on the hub that it was loaded from. */
  readonly model: string;
  readonly #loaded: Loaded;
  readonly #engine: Engine;
  readonly #batchRows: number | undefined;
  /**
   * Per token array being decoded: where to add its cost, and how much of it may be shared. Passes
   * them to `greedyImpl`, whose signature has no room for them.
   */
  readonly #requests = new WeakMap<Int32Array, { cost: Cost; shared: number }>();

  private constructor(
    name: string,
    loaded: Loaded,
    { batchSize, batchRows, cacheTokens, greedy }: TfLMRequest,
  ) {
    super(greedy);
    this.model = name;
    this.#loaded = loaded;
    this.#batchRows = batchRows;
    const defaultSize = Math.max(16, Math.floor(maxLogits / loaded.vocabularySize));
    this.#engine = new Engine(loaded.network, { batchSize: batchSize ?? defaultSize, cacheTokens });
  }

  /**
   * Loads a model and its tokenizer.
   *
   * @param nameOrPath a folder with config.json, tokenizer.json, tokenizer_config.json and
   * onnx/model.onnx; otherwise the id of a model on the hub
   * @throws TypeError, RangeError for invalid options; LMError `PEER_MISSING` without the package
   * @huggingface/transformers; ModelLoadError if the model is missing, damaged, or fails its
   * first forward pass; NotSupportedError unless it is a causal language model in one ONNX file
   * that takes token ids
   */
  static async load(nameOrPath: string, options?: TfLMLoadOptions): Promise<TfLM> {
    const name = checkName(nameOrPath, 'nameOrPath');
    const request = readTfLMOptions(options);
    request.signal?.throwIfAborted();
    const peer = requirePeer<Peer>('@huggingface/transformers', 'TfLM');
    return new TfLM(name, await load(peer, name, request), request);
  }

  override get vocabularySize(): number {
    return this.#loaded.vocabularySize;
  }

  override get contextSize(): number | undefined {
    return this.#loaded.contextSize;
  }

  /** The EOS tokens of the generation config, or else of the config. */
  override get endOfGeneration(): Int32Array {
    return this.#loaded.endOfGeneration.slice();
  }

  /** The BOS token of the tokenizer or the config, or else the first EOS token. */
  override get beginToken(): number | undefined {
    return this.#loaded.beginToken;
  }

  /**
   * The token ids of a text; a lone surrogate counts as U+FFFD. `addSpecial` adds the special
   * tokens that the tokenizer puts before and after a text. Prompts get only those before: an EOS
   * token between a prompt and its continuation would be wrong.
   */
  override async tokenize(text: string, options?: TokenizeOptions): Promise<Int32Array> {
    checkString(text, 'text');
    const { addSpecial, parseSpecial, continuation, signal } = readTokenizeOptions(options);
    await this.admit(signal);
    if (continuation) return this.#loaded.tokenizer.tokenizeContinuation(text, parseSpecial);
    return this.#loaded.tokenizer.tokenize(text, addSpecial ? 'both' : 'none', parseSpecial);
  }

  override async detokenize(tokens: Int32Array, options?: DetokenizeOptions): Promise<string> {
    const copy = checkTokens(tokens, 'tokens', this.vocabularySize);
    const { special, continuation, signal } = readDetokenizeOptions(options);
    await this.admit(signal);
    if (continuation) return this.#loaded.tokenizer.detokenizeContinuation(copy, special);
    return this.#loaded.tokenizer.detokenize(copy, special);
  }

  protected override async tokenizePrompt(text: string): Promise<Int32Array> {
    await this.admit(undefined);
    return this.#loaded.tokenizer.tokenize(text, 'before', false);
  }

  protected override textOf(tokens: Int32Array): string {
    return this.#loaded.tokenizer.detokenizeContinuation(tokens, true);
  }

  protected override async closeImpl(): Promise<void> {
    await this.#engine.close();
  }

  protected override async greedyImpl(
    tokens: Int32Array,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const { cost = noCost(), shared } = this.#requests.get(tokens) ?? {};
    const { logprobs, past } = await this.#engine.decode(tokens, cost, signal, shared);
    past?.release();
    return logprobs;
  }

  protected override async generateImpl(
    tokens: Int32Array,
    request: CompletionRequest,
    emit: Emit | undefined,
    stopped: AbortSignal,
  ): Promise<Generation> {
    checkPortable(request);
    const { next, usage } = this.#metered(tokens, stopped);
    const generator = this.#generator(next, stopped);
    const generation = await generate(generator, tokens, request, emit ?? (() => {}), stopped);
    return { ...generation, usage };
  }

  protected override async beamSearchImpl(
    tokens: Int32Array,
    request: BeamRequest,
  ): Promise<Pick<BeamSearchResult, 'beams' | 'usage' | 'timings'>> {
    const { next, usage } = this.#metered(tokens, request.signal);
    const generator = this.#generator(next, request.signal);
    return { ...(await searchBeams(generator, tokens, request)), usage };
  }

  protected override async scoreTree(
    prompt: Int32Array,
    tree: TokenChoiceTree,
    request: TreeRequest,
  ): Promise<TreeScores & Cost> {
    const { signal, search, sequential } = request;
    const cost = noCost();
    cost.usage.promptTokens = prompt.length;
    if (this.#engine.keepsPast && search === undefined && !sequential) {
      const scores = await raceAbort(this.#scoreByLevels(prompt, tree, request, cost), signal);
      if (scores !== undefined) return { ...scores, ...cost };
    }
    // Sequential paths share nothing but the prompt.
    const shared = sequential ? prompt.length : Infinity;
    const { next, usage } = this.#metered(prompt, signal, cost.usage, shared);
    return { ...(await scoreByGreedy(prompt, tree, request, next)), usage };
  }

  /** If every level fits in one batch, a tree takes as many forward passes as it is deep. */
  protected override holdsInOneBatch(tree: TokenChoiceTree, request: TreeRequest): boolean {
    const rows = this.#batchRows ?? maxRows;
    return this.#engine.keepsPast && new Plan(tree, request.endAt).widest <= rows;
  }

  #scoreByLevels(
    prompt: Int32Array,
    tree: TokenChoiceTree,
    request: TreeRequest,
    cost: Cost,
  ): Promise<TreeScores | undefined> {
    const { bytesPerToken } = this.#engine;
    const rowsFor = (length: number): number =>
      this.#batchRows ?? Math.min(maxRows, Math.floor(maxPastBytes / (bytesPerToken * length)));
    return scoreByLevels(this.#engine, prompt, tree, request, rowsFor, cost);
  }

  /** A next-token function for one call, and a usage that accumulates its cost. */
  #metered(
    prompt: Int32Array,
    signal: AbortSignal | undefined,
    spent: Partial<Usage> = {},
    shared = Infinity,
  ): { next: Next; usage: Usage } {
    const usage = { ...noCost().usage, ...spent, promptTokens: prompt.length };
    let isFirst = true;
    const next = async (tokens: Int32Array): Promise<Float32Array> => {
      const cost = noCost();
      this.#requests.set(tokens, { cost, shared });
      const logprobs = await this.nextLogprobs(tokens, signal);
      if (isFirst) usage.cachedTokens = Math.min(prompt.length, cost.usage.cachedTokens);
      isFirst = false;
      usage.decodedTokens += cost.usage.decodedTokens;
      usage.decodeCalls += cost.usage.decodeCalls;
      return logprobs;
    };
    return { next, usage };
  }

  #generator(next: Next, signal: AbortSignal | undefined): Generator {
    return {
      next,
      detokenize: (tokens) => raceAbort(this.detokenize(tokens, { continuation: true }), signal),
      tokenTexts: (tokens) => this.tokenTexts(tokens),
      endOfGeneration: this.endOfGeneration,
      contextSize: this.contextSize,
    };
  }
}
