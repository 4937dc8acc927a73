// GreedyLM: an LM that gives the log-probability of every possible next token. From that
// alone it makes candidates and completions. ChoiceLM extends it.

import { types } from 'node:util';
import { raceAbort, sleep } from './common/abort.js';
import {
  checkInteger,
  checkNumber,
  checkOptions,
  checkPrompt,
  type Prompt,
} from './common/arguments.js';
import { type CallOptions, readSignal } from './common/call-options.js';
import type { Candidate } from './common/candidate.js';
import type { Completion, CompletionChunk } from './common/completion.js';
import { LMError } from './common/errors.js';
import { logSumExp } from './common/log-softmax.js';
import { Stopwatch } from './common/usage.js';
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
import { type PrintOptions, printLines, readPrintOptions } from './generation/print-candidates.js';
import { completionOf, runGeneration } from './generation/run-generation.js';
import { LM } from './lm.js';

/** Options of every GreedyLM. */
export interface GreedyLMOptions {
  /** How often `greedyImpl` is tried in all. Default 3. */
  retries?: number | undefined;
  /** Milliseconds to wait after the first failure. Default 1000. */
  delta?: number | undefined;
  /** What each later wait is multiplied by. Default 4. */
  growth?: number | undefined;
  /** Defaults of `complete`. */
  completion?: CompletionDefaults | undefined;
}

const neverRetried = new Set(['ABORTED', 'CLOSED', 'CONTEXT_OVERFLOW', 'NOT_SUPPORTED']);

const isFinal = (error: unknown): boolean =>
  error instanceof TypeError ||
  error instanceof RangeError ||
  (error instanceof LMError && neverRetried.has(error.code));

/** How far the probabilities of one distribution may be from summing to 1. */
const sumTolerance = 1e-2;

/** An LM with next-token log-probabilities. A subclass gives {@link greedyImpl}. */
export abstract class GreedyLM extends LM {
  readonly #retries: number;
  readonly #delta: number;
  readonly #growth: number;
  readonly #completion: ReturnType<typeof readCompletionDefaults>;
  readonly #texts = new Map<number, string>();

  /** @throws TypeError, RangeError where an option is not what its comment says */
  constructor(options?: GreedyLMOptions) {
    super();
    const known = ['retries', 'delta', 'growth', 'completion'] as const;
    const { retries, delta, growth, completion } = checkOptions(options, 'options', known);
    this.#retries = checkInteger(retries ?? 3, 'retries', 1);
    this.#delta = checkNumber(delta ?? 1000, 'delta', 0);
    this.#growth = checkNumber(growth ?? 4, 'growth', 0);
    this.#completion = readCompletionDefaults(completion);
  }

  /** The tokens that end a generation. None unless a subclass says so. */
  get endOfGeneration(): Int32Array {
    return new Int32Array(0);
  }

  /**
   * The natural log-probability of every token of the vocabulary to come next after `tokens`,
   * of which there is at least one. Its exponentials sum to 1.
   */
  protected abstract greedyImpl(tokens: Int32Array, signal?: AbortSignal): Promise<Float32Array>;

  /**
   * The natural log-probability of every possible next token, by token id.
   *
   * @throws RangeError for a prompt without tokens, ContextOverflowError for one too long;
   * LMError `RETRIES_EXHAUSTED`, caused by an AggregateError, when every attempt failed
   */
  async greedy(prompt: Prompt, options?: CallOptions): Promise<Float32Array> {
    const input = checkPrompt(prompt, 'prompt', this.vocabularySize);
    const signal = readSignal(options);
    const tokens = await this.admitPrompt(input, signal);
    return this.nextLogprobs(tokens, signal);
  }

  /**
   * The `k` likeliest next tokens, best first, the lower id first of equals; the whole
   * vocabulary where `k` is larger.
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
   * Writes the `k` likeliest next tokens to a stream, a line for each, best first:
   * `token '▁blue' has probability 0.875`, with `▁` for a space. Resolves when they are written.
   *
   * @throws as {@link candidates} does, and what the stream fails with
   */
  async printCandidates(prompt: Prompt, k: number, options?: PrintOptions): Promise<void> {
    const { file, signal } = readPrintOptions(options);
    await printLines(await this.candidates(prompt, k, { signal }), file, signal);
  }

  /**
   * Writes on after the prompt: by default the likeliest token each time.
   *
   * @throws RangeError for a stop string without characters, and as {@link greedy} does;
   * ContextOverflowError, with what was written, where the context is full before `maxTokens`
   * that were asked for; NotSupportedError for a sampler, grammar or context shift that this LM
   * cannot do
   */
  async complete(prompt: Prompt, options?: CompleteOptions): Promise<Completion> {
    const stopwatch = new Stopwatch();
    const input = checkPrompt(prompt, 'prompt', this.vocabularySize);
    const request = readCompleteOptions(options, this.#completion);
    return this.#write(input, request, stopwatch, request.onToken);
  }

  /**
   * What {@link complete} does, handed out token by token.
   *
   * @throws TypeError, RangeError at once for options that are not what their comments say; the
   * loop throws what `complete` rejects with
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
      return this.#write(input, request, stopwatch, reader, left);
    });
  }

  /**
   * Writes on after each of several prompts, as {@link complete} does. The n-th text takes the
   * sampler's seed plus n. An LM that can writes them together.
   *
   * @param options as of `complete`; `onToken` also gets the index of the prompt, and `false`
   * ends that text
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
   * The likeliest whole texts rather than the likeliest token each time.
   *
   * @throws RangeError for more sequences than beams; as {@link complete} does
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

  /** The text of each of these tokens, control tokens included. */
  protected async tokenTexts(tokens: Int32Array): Promise<Map<number, string>> {
    for (const token of new Set(tokens)) {
      if (this.#texts.has(token)) continue;
      const text = this.textOf(Int32Array.of(token));
      this.#texts.set(token, typeof text === 'string' ? text : await text);
    }
    return this.#texts;
  }

  /** The text of tokens, control tokens included. A subclass that knows it at once says so. */
  protected textOf(tokens: Int32Array): string | Promise<string> {
    return this.detokenize(tokens, { special: true });
  }

  /** The work of {@link candidates}: the best tokens with their log-probabilities. */
  protected async candidatesImpl(
    tokens: Int32Array,
    k: number,
    signal: AbortSignal | undefined,
  ): Promise<{ token: number; logprob: number }[]> {
    return topCandidates(await this.nextLogprobs(tokens, signal), k);
  }

  /**
   * The work of {@link complete}. `emit`, if there is one, is told of each token; an abort of
   * `stopped` ends it with what was written.
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

  /** The work of {@link completeMany}. */
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
      const written = await runGeneration(single, reader, undefined, (emit, stopped) => {
        return this.generateImpl(tokens, single, emit, stopped);
      });
      completions.push(completionOf(written, single, stopwatch));
    }
    return completions;
  }

  /** The work of {@link beamSearch}. */
  protected beamSearchImpl(
    tokens: Int32Array,
    request: BeamRequest,
  ): Promise<Pick<BeamSearchResult, 'beams' | 'usage' | 'timings'>> {
    return searchBeams(this.#generator(request.signal), tokens, request);
  }

  #generator(signal: AbortSignal | undefined): Generator {
    return {
      next: (path) => this.nextLogprobs(path, signal),
      detokenize: (path) => raceAbort(this.detokenize(path), signal),
      tokenTexts: (tokens) => this.tokenTexts(tokens),
      endOfGeneration: this.endOfGeneration,
      contextSize: this.contextSize,
    };
  }

  async #write(
    input: Prompt,
    request: CompletionRequest,
    stopwatch: Stopwatch,
    reader: ((chunk: CompletionChunk) => unknown) | undefined,
    left?: AbortSignal,
  ): Promise<Completion> {
    const tokens = await this.admitPrompt(input, request.signal);
    stopwatch.tokenized();
    const written = await runGeneration(request, reader, left, (emit, stopped) => {
      return this.generateImpl(tokens, request, emit, stopped);
    });
    return completionOf(written, request, stopwatch);
  }

  /** {@link greedyImpl} as everything here calls it: checked, and tried again where that may help. */
  protected async nextLogprobs(tokens: Int32Array, signal?: AbortSignal): Promise<Float32Array> {
    const failures: unknown[] = [];
    for (let wait = this.#delta; ; wait *= this.#growth) {
      await this.admit(signal);
      try {
        const logprobs = await raceAbort(this.greedyImpl(tokens, signal), signal);
        checkLogprobs(logprobs, this.vocabularySize);
        return logprobs;
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (isFinal(error)) throw error;
        failures.push(error);
      }
      if (failures.length === this.#retries) break;
      await sleep(wait, signal);
    }
    const last = failures.at(-1);
    const why = last instanceof Error ? last.message : String(last);
    throw new LMError(`All ${failures.length} attempts failed; the last: ${why}`, {
      code: 'RETRIES_EXHAUSTED',
      cause: new AggregateError(failures),
    });
  }
}

function checkLogprobs(logprobs: Float32Array, size: number | undefined): void {
  const fail = (message: string): never => {
    throw new LMError(message, { code: 'INVALID_LOGPROBS' });
  };
  if (!types.isFloat32Array(logprobs)) fail('greedyImpl gave no Float32Array');
  if (size !== undefined && logprobs.length !== size) {
    fail(`greedyImpl gave ${logprobs.length} log-probabilities for a vocabulary of ${size}`);
  }
  const total = logSumExp(logprobs);
  if (!(Math.abs(total) < sumTolerance)) {
    fail(`greedyImpl gave log-probabilities whose exponentials sum to ${Math.exp(total)}, not 1`);
  }
}
