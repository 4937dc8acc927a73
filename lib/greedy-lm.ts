// GreedyLM: an LM that returns the log-probability of every possible next token, and derives
// candidates and completions from that alone. ChoiceLM extends it.

import { raceAbort } from './common/abort.js';
import { checkInteger, checkOptions, checkPrompt, type Prompt } from './common/arguments.js';
import { type CallOptions, readSignal } from './common/call-options.js';
import type { Candidate } from './common/candidate.js';
import type { Completion, CompletionChunk } from './common/completion.js';
import { Stopwatch } from './common/usage.js';
import { Pace } from './common/yield-to-event-loop.js';
import {
  type BeamOptions,
  type BeamRequest,
  type BeamSearchResult,
  readBeamOptions,
} from './generation/beam-options.js';
import { searchBeams } from './generation/beam-search.js';
import { topCandidates } from './generation/candidates.js';
import {
  type CompleteManyOptions,
  type CompleteManyRequest,
  checkPrompts,
  readCompleteManyOptions,
  withSeed,
} from './generation/complete-many.js';
import {
  type CompleteOptions,
  type CompletionDefaults,
  type CompletionRequest,
  readCompleteOptions,
  readCompletionDefaults,
} from './generation/completion-options.js';
import { CompletionStream } from './generation/completion-stream.js';
import { checkPortable, type Generator, generate } from './generation/generate.js';
import type { Emit, Generation } from './generation/generation.js';
import { attemptGreedy, type RetryPolicy, readRetryPolicy } from './generation/greedy-attempts.js';
import { type PrintOptions, printLines, readPrintOptions } from './generation/print-candidates.js';
import { completionOf, runGeneration } from './generation/run-generation.js';
import { LM } from './lm.js';

/** Options of every GreedyLM. */
export interface GreedyLMOptions {
  /** How often to attempt `greedyImpl` in total. Default 3. */
  retries?: number | undefined;
  /** Milliseconds to wait after the first failure. Default 1000. */
  delta?: number | undefined;
  /** The factor by which each later wait grows. Default 4. */
  growth?: number | undefined;
  /** Defaults of `complete`. */
  completion?: CompletionDefaults | undefined;
}

/** An LM with next-token log-probabilities. A subclass implements {@link greedyImpl}. */
export abstract class GreedyLM extends LM {
  readonly #pace = new Pace();
  readonly #retryPolicy: RetryPolicy;
  readonly #completion: ReturnType<typeof readCompletionDefaults>;
  readonly #tokenTexts = new Map<number, string>();

  /** @throws TypeError, RangeError for invalid options */
  constructor(options?: GreedyLMOptions) {
    super();
    const known = ['retries', 'delta', 'growth', 'completion'] as const;
    const { completion, ...retry } = checkOptions(options, 'options', known);
    this.#retryPolicy = readRetryPolicy(retry);
    this.#completion = readCompletionDefaults(completion);
  }

  /** The tokens that end a generation. None by default. */
  get endOfGeneration(): Int32Array {
    return new Int32Array(0);
  }

  /**
   * The natural log-probability of every token of the vocabulary to follow `tokens`, which is
   * non-empty. Its exponentials sum to 1.
   */
  protected abstract greedyImpl(tokens: Int32Array, signal?: AbortSignal): Promise<Float32Array>;

  /**
   * The natural log-probability of every possible next token, by token id.
   *
   * @throws RangeError for a prompt without tokens; ContextOverflowError for one that is too long;
   * LMError `RETRIES_EXHAUSTED`, caused by an AggregateError, if every attempt failed
   */
  async greedy(prompt: Prompt, options?: CallOptions): Promise<Float32Array> {
    const input = checkPrompt(prompt, 'prompt', this.vocabularySize);
    const signal = readSignal(options);
    const tokens = await this.admitPrompt(input, signal);
    return this.nextLogprobs(tokens, signal);
  }

  /**
   * The `k` most likely next tokens, best first, ties in ascending id order; the whole vocabulary
   * if `k` is larger.
   *
   * @throws RangeError unless `k` is an integer of at least 1, and as {@link greedy} does
   */
  async candidates(prompt: Prompt, k: number, options?: CallOptions): Promise<Candidate[]> {
    const input = checkPrompt(prompt, 'prompt', this.vocabularySize);
    checkInteger(k, 'k', 1, Number.MAX_SAFE_INTEGER);
    const signal = readSignal(options);
    const tokens = await this.admitPrompt(input, signal);
    const best = await this.candidatesImpl(tokens, k, signal);
    const ids = Int32Array.from(best, ({ token }) => token);
    const texts = await raceAbort(this.tokenTexts(ids), signal);
    return best.map(({ token, logprob }) => {
      return { token, text: texts.get(token) as string, logprob, probability: Math.exp(logprob) };
    });
  }

  /**
   * Writes the `k` most likely next tokens to a stream, one per line, best first:
   * `token '▁blue' has probability 0.875`, with `▁` for a space. Resolves once they are written.
   *
   * @throws as {@link candidates} does, and the stream's error
   */
  async printCandidates(prompt: Prompt, k: number, options?: PrintOptions): Promise<void> {
    const { file, signal } = readPrintOptions(options);
    await printLines(await this.candidates(prompt, k, { signal }), file, signal);
  }

  override checkCompletion(options?: CompleteOptions): void {
    this.checkRequest(readCompleteOptions(options, this.#completion));
  }

  /**
   * Continues the prompt, by default with greedy decoding.
   *
   * @throws RangeError for an empty stop string, and as {@link greedy} does;
   * ContextOverflowError, with the partial completion, if the context is full before the requested
   * `maxTokens`; NotSupportedError for a sampler, grammar or context shift that this LM does not
   * support
   */
  async complete(prompt: Prompt, options?: CompleteOptions): Promise<Completion> {
    const stopwatch = new Stopwatch();
    const input = checkPrompt(prompt, 'prompt', this.vocabularySize);
    const request = readCompleteOptions(options, this.#completion);
    return this.#generate(input, request, stopwatch, request.onToken);
  }

  /**
   * Like {@link complete}, but delivered token by token.
   *
   * @throws TypeError, RangeError at once for invalid options; the loop throws what `complete`
   * rejects with
   */
  override stream(prompt: Prompt, options?: CompleteOptions): CompletionStream {
    const stopwatch = new Stopwatch();
    const input = checkPrompt(prompt, 'prompt', this.vocabularySize);
    const request = readCompleteOptions(options, this.#completion);
    return new CompletionStream(request.signal, (deliver, left) => {
      const reader = (chunk: CompletionChunk): unknown => {
        deliver(chunk);
        return request.onToken?.(chunk);
      };
      return this.#generate(input, request, stopwatch, reader, left);
    });
  }

  /**
   * Continues each of several prompts like {@link complete}. The n-th completion uses the sampler's
   * seed plus n. An LM may batch the generations.
   *
   * @param options those of `complete`; `onToken` also receives the index of the prompt, and
   * returning `false` ends that completion
   */
  async completeMany(
    prompts: readonly Prompt[],
    options?: CompleteManyOptions,
  ): Promise<Completion[]> {
    const stopwatch = new Stopwatch();
    const inputs = checkPrompts(prompts, this.vocabularySize);
    const request = readCompleteManyOptions(options, this.#completion);
    await this.admit(request.signal);
    const lists: Int32Array[] = [];
    for (const input of inputs) lists.push(await this.promptTokens(input, request.signal));
    for (const tokens of lists) this.checkFits(tokens.length);
    stopwatch.tokenized();
    return this.generateMany(lists, request, stopwatch);
  }

  /**
   * Searches for the most likely sequences as a whole, rather than the most likely token each time.
   *
   * @throws RangeError for more sequences than beams, and as {@link complete} does
   */
  async beamSearch(prompt: Prompt, options?: BeamOptions): Promise<BeamSearchResult> {
    const stopwatch = new Stopwatch();
    const input = checkPrompt(prompt, 'prompt', this.vocabularySize);
    const request = readBeamOptions(options);
    const tokens = await this.admitPrompt(input, request.signal);
    stopwatch.tokenized();
    const found = await this.beamSearchImpl(tokens, request);
    return { ...found, ...stopwatch.complete(found) };
  }

  /** The texts of these tokens, control tokens included, by token id; cached. */
  protected async tokenTexts(tokens: Int32Array): Promise<Map<number, string>> {
    for (const token of new Set(tokens)) {
      if (this.#tokenTexts.has(token)) continue;
      const text = this.textOf(Int32Array.of(token));
      this.#tokenTexts.set(token, typeof text === 'string' ? text : await text);
    }
    return this.#tokenTexts;
  }

  /** The text of tokens, control tokens included. A subclass may return it synchronously. */
  protected textOf(tokens: Int32Array): string | Promise<string> {
    return this.detokenize(tokens, { special: true, continuation: true });
  }

  /** Implements {@link candidates}: the best tokens with their log-probabilities. */
  protected async candidatesImpl(
    tokens: Int32Array,
    k: number,
    signal: AbortSignal | undefined,
  ): Promise<{ token: number; logprob: number }[]> {
    return topCandidates(await this.nextLogprobs(tokens, signal), k);
  }

  /** Throws a NotSupportedError for what {@link generateImpl} does not support. */
  protected checkRequest(request: CompletionRequest): void {
    checkPortable(request);
  }

  /**
   * Implements {@link complete}. Calls `emit`, if given, with each token; an abort of `stopped`
   * ends it with the partial result.
   */
  protected generateImpl(
    tokens: Int32Array,
    request: CompletionRequest,
    emit: Emit | undefined,
    stopped: AbortSignal,
  ): Promise<Generation> {
    checkPortable(request);
    return generate(this.#generator(stopped), tokens, request, emit ?? (() => {}), stopped);
  }

  /** Implements {@link completeMany}. */
  protected async generateMany(
    prompts: readonly Int32Array[],
    request: CompleteManyRequest,
    stopwatch: Stopwatch,
  ): Promise<Completion[]> {
    const completions: Completion[] = [];
    for (const [index, tokens] of prompts.entries()) {
      const { onToken } = request;
      const reader = onToken && ((chunk: CompletionChunk) => onToken(chunk, index));
      const single = { ...request, sampler: withSeed(request.sampler, index), onToken: reader };
      const generation = await runGeneration(single, reader, undefined, (emit, stopped) => {
        return this.generateImpl(tokens, single, emit, stopped);
      });
      completions.push(completionOf(generation, single, stopwatch));
    }
    return completions;
  }

  /** Implements {@link beamSearch}. */
  protected beamSearchImpl(
    tokens: Int32Array,
    request: BeamRequest,
  ): Promise<Pick<BeamSearchResult, 'beams' | 'usage' | 'timings'>> {
    return searchBeams(this.#generator(request.signal), tokens, request);
  }

  #generator(signal: AbortSignal | undefined): Generator {
    return {
      next: (path) => this.nextLogprobs(path, signal),
      detokenize: (path) => raceAbort(this.detokenize(path, { continuation: true }), signal),
      tokenTexts: (tokens) => this.tokenTexts(tokens),
      endOfGeneration: this.endOfGeneration,
      contextSize: this.contextSize,
    };
  }

  async #generate(
    input: Prompt,
    request: CompletionRequest,
    stopwatch: Stopwatch,
    reader: ((chunk: CompletionChunk) => unknown) | undefined,
    left?: AbortSignal,
  ): Promise<Completion> {
    const tokens = await this.admitPrompt(input, request.signal);
    stopwatch.tokenized();
    const generation = await runGeneration(request, reader, left, (emit, stopped) => {
      return this.generateImpl(tokens, request, emit, stopped);
    });
    return completionOf(generation, request, stopwatch);
  }

  /** {@link greedyImpl} as all methods call it: checked, and retried where that may help. */
  protected nextLogprobs(tokens: Int32Array, signal?: AbortSignal): Promise<Float32Array> {
    const call = {
      admit: async () => {
        if (this.#pace.isDue) await this.#pace.pause();
        await this.admit(signal);
      },
      compute: () => this.greedyImpl(tokens, signal),
      vocabularySize: () => this.vocabularySize,
    };
    return attemptGreedy(call, this.#retryPolicy, signal);
  }
}
