// OpenAI: an LM behind an OpenAI-compatible server. It writes by either API and has the server's
// tokens; `choose.ts` chooses. There is no `greedy`: no such server gives the whole distribution.

import { raceAbort } from '../abort.js';
import { checkPrompt, checkString, checkTokens, type Prompt, wrongRange } from '../arguments.js';
import type { CallOptions } from '../call-options.js';
import type { Score } from '../choice-lm.js';
import type { ChoiceStream } from '../choice-stream.js';
import {
  type CompleteOptions,
  type Completion,
  type CompletionChunk,
  readCompleteOptions,
} from '../completion.js';
import { CompletionStream } from '../completion-stream.js';
import { LMError, NotSupportedError, RemoteError } from '../errors.js';
import type { Emit } from '../generate.js';
import { type DetokenizeOptions, LM, type TokenizeOptions } from '../lm.js';
import { readDetokenizeOptions, readTokenizeOptions } from '../text-options.js';
import { Stopwatch } from '../usage.js';
import { completionOf, write } from '../writing.js';
import { bodyOf, checkWanted, sparesOf, takeSchema, type Wanted } from './asking.js';
import { RemoteChooser } from './choose.js';
import type { RemoteChooseTask } from './choose-many.js';
import type { RemoteChooseOptions } from './choose-options.js';
import type { RemoteChoice } from './choose-result.js';
import { Client, type WritingApi } from './client.js';
import { makeClient } from './connection.js';
import { Engine } from './engine.js';
import { publicError } from './failure.js';
import { findTokenizer } from './find-tokenizer.js';
import { type OpenAIOptions, type OpenAISettings, readOpenAIOptions } from './options.js';
import type { ServerFeatures } from './probe.js';
import { samplingOf } from './sampling.js';
import { TokenReader } from './token-reader.js';
import type { RemoteTokenizer } from './tokenizer.js';
import { BrokenOff, nothingWritten, type RemoteGeneration, writeRemotely } from './writing.js';

/** Whether the tokens are known not to be had. A text can be had without. */
const isWithoutTokens = (error: unknown): boolean =>
  error instanceof LMError && (error.code === 'NOT_SUPPORTED' || error.code === 'PEER_MISSING');

const refusesCompletions =
  /chat model|\bcompletions?\b.*\b(not|unsupported)\b|\b(not|unsupported)\b.*\bcompletions?\b/i;

/** What says that a server or a model has no completions. */
const noSuchApi = (error: unknown): boolean => {
  if (!(error instanceof RemoteError)) return false;
  const { status = 0, message } = error;
  if (status === 404 || status === 405 || status === 501) return true;
  return status === 400 && refusesCompletions.test(message);
};

/**
 * A language model behind an OpenAI-compatible server: OpenAI's own, llama.cpp's, vLLM and others.
 *
 * @example
 * const lm = new OpenAI({ model: 'any', baseURL: 'http://127.0.0.1:8080/v1' });
 * const { text } = await lm.complete('The sky is', { maxTokens: 8 });
 */
export class OpenAI extends LM {
  /** The model's name, as the server knows it. */
  readonly model: string;
  readonly #settings: OpenAISettings;
  readonly #client: Client;
  readonly #chooser: RemoteChooser;
  #kind: WritingApi | undefined;
  #tokenizer: RemoteTokenizer | undefined;
  #finding: Promise<RemoteTokenizer> | undefined;

  /**
   * Asks nothing of the server yet.
   *
   * @throws TypeError, RangeError for options that are not what their comments say; LMError
   * `PEER_MISSING` where the package `openai` is needed and not installed
   */
  constructor(options: OpenAIOptions) {
    super();
    const settings = readOpenAIOptions(options);
    const { model, policy, extraBody, api, headers, timeout, connection } = settings;
    this.model = model;
    this.#settings = settings;
    this.#kind = api === 'auto' ? undefined : api;
    const made = makeClient(connection);
    const transport = { client: made.client, headers: { ...made.headers, ...headers }, timeout };
    this.#client = new Client({ model, policy, transport, extraBody });
    this.#chooser = new RemoteChooser(this.#makeEngine());
  }

  /** How many tokens there are, as far as a tokenizer has told. */
  override get vocabularySize(): number | undefined {
    return this.#tokenizer?.size;
  }

  /** That of the options, or else what the server's tokenizer has told. */
  override get contextSize(): number | undefined {
    return this.#settings.contextSize ?? this.#tokenizer?.contextSize;
  }

  /** The tokens that end a text: those of the options, or else what the tokenizer knows. */
  get endOfGeneration(): Int32Array {
    const own = this.#settings.endOfGeneration ?? this.#tokenizer?.endOfGeneration;
    return own?.slice() ?? new Int32Array(0);
  }

  /** The token that stands where nothing is before a text, by the options. */
  get beginToken(): number | undefined {
    return this.#settings.beginToken;
  }

  /**
   * The tokens of a text, by the option `tokenizer`.
   *
   * @throws NotSupportedError where nobody knows the model's tokens; RemoteError
   */
  async tokenize(text: string, options?: TokenizeOptions): Promise<Int32Array> {
    checkString(text, 'text');
    const { addSpecial, signal } = readTokenizeOptions(options);
    await this.admit(signal);
    const tokenizer = await this.remoteTokenizer(signal);
    const request = { addSpecial, parseSpecial: options?.parseSpecial };
    return raceAbort(tokenizer.tokenize(text, request, signal), signal);
  }

  /**
   * The text of tokens, by the option `tokenizer`.
   *
   * @throws NotSupportedError where nobody knows the model's tokens; RemoteError
   */
  async detokenize(tokens: Int32Array, options?: DetokenizeOptions): Promise<string> {
    const copy = checkTokens(tokens, 'tokens').slice();
    const { signal } = readDetokenizeOptions(options);
    await this.admit(signal);
    const tokenizer = await this.remoteTokenizer(signal);
    checkTokens(copy, 'tokens', tokenizer.size);
    return raceAbort(tokenizer.detokenize(copy, { special: options?.special }, signal), signal);
  }

  /**
   * Writes on after the prompt; by the chat API, answers it. What is read is cut here, so that
   * stops are found as by every LM.
   *
   * A token id that nobody tells is −1, a log-probability NaN; where the server tells neither,
   * the tokens are those of the text.
   *
   * @throws RemoteError, with what was written as `completion`; ContextOverflowError;
   * NotSupportedError for what the API has no word for, or the server refuses
   */
  async complete(prompt: Prompt, options?: CompleteOptions): Promise<Completion> {
    const stopwatch = new Stopwatch();
    const input = checkPrompt(prompt, 'prompt');
    const wanted = this.#read(options);
    return this.#write(input, wanted, stopwatch, wanted.request.onToken);
  }

  /**
   * What {@link complete} does, handed out as it comes.
   *
   * @throws TypeError, RangeError at once for options that are not what their comments say; the
   * loop throws what `complete` rejects with
   */
  override stream(prompt: Prompt, options?: CompleteOptions): CompletionStream {
    const stopwatch = new Stopwatch();
    const input = checkPrompt(prompt, 'prompt');
    const wanted = this.#read(options);
    return new CompletionStream(wanted.request.signal, (deliver, left) => {
      const reader = (chunk: CompletionChunk): unknown => {
        deliver(chunk);
        return wanted.request.onToken?.(chunk);
      };
      return this.#write(input, wanted, stopwatch, reader, left);
    });
  }

  /**
   * Chooses among continuations of a prompt, by the strategy that was asked for.
   *
   * @throws NotSupportedError where server or strategy cannot do what the options ask for;
   * RemoteError; and as every `choose` does
   * @example
   * const { text, numbers } = await lm.choose('The sky is', [' blue', ' green']);
   */
  async choose(
    prompt: Prompt,
    choices: readonly string[] | readonly Int32Array[],
    options?: RemoteChooseOptions,
  ): Promise<RemoteChoice> {
    return this.#chooser.choose(prompt, choices, options);
  }

  /**
   * Many {@link choose}, a few under way at once, told in the order of their tasks.
   *
   * @throws TypeError, RangeError for options and `tasks` that are none
   */
  chooseMany(
    tasks: Iterable<RemoteChooseTask> | AsyncIterable<RemoteChooseTask>,
    options?: RemoteChooseOptions,
  ): ChoiceStream<RemoteChoice> {
    return this.#chooser.chooseMany(tasks, options);
  }

  /**
   * The log-probability of one given continuation, tokenised alone, where the server echoes.
   *
   * @throws RangeError for a prompt or continuation without tokens; ContextOverflowError;
   * NotSupportedError where the server does not echo; RemoteError
   */
  async score(prompt: Prompt, continuation: Prompt, options?: CallOptions): Promise<Score> {
    return this.#chooser.score(prompt, continuation, options);
  }

  /**
   * What the server can do: found out by a few tiny requests when it is first asked for, and kept.
   *
   * @throws RemoteError where the server fails; it is asked again then, next time
   */
  async probe(options?: CallOptions): Promise<ServerFeatures> {
    return this.#chooser.probe(options);
  }

  /** This LM, for the ways of choosing. */
  #makeEngine(): Engine {
    const calls = {
      admit: async (signal: AbortSignal | undefined) => {
        await this.admit(signal);
        await raceAbort(this.#tokenizerIfAny(), signal);
      },
      promptTokens: (prompt: Prompt) => this.promptTokens(prompt),
      tokenizePrompt: (text: string) => this.tokenizePrompt(text),
      tokenizer: () => this.remoteTokenizer(),
    };
    return new Engine(this, calls, this.#client, this.#settings);
  }

  /**
   * The tokenizer, or that there is none; found out once, unless the server failed.
   *
   * @internal
   */
  async remoteTokenizer(signal?: AbortSignal): Promise<RemoteTokenizer> {
    if (this.#tokenizer !== undefined) return this.#tokenizer;
    // Not by the caller's signal: others may be waiting for it, too.
    this.#finding ??= findTokenizer(this.#client, this.#settings, undefined).then(
      (tokenizer) => {
        this.#tokenizer = tokenizer;
        return tokenizer;
      },
      (error: unknown) => {
        if (!isWithoutTokens(error)) this.#finding = undefined;
        throw error;
      },
    );
    return raceAbort(this.#finding, signal);
  }

  protected override async tokenizePrompt(text: string): Promise<Int32Array> {
    const tokenizer = await this.remoteTokenizer();
    return tokenizer.tokenize(text, { addSpecial: true, parseSpecial: undefined });
  }

  protected override async closeImpl(): Promise<void> {
    this.#client.close();
  }

  #read(options: CompleteOptions | undefined): Wanted {
    const { defaults, sampler } = this.#settings.completion;
    const { jsonSchema, rest } = takeSchema(options);
    const request = readCompleteOptions(rest, defaults);
    const sampling = samplingOf(rest?.sampler ?? sampler, this.#settings.temperature);
    const wanted = { request, sampling, jsonSchema };
    checkWanted(wanted);
    return wanted;
  }

  async #write(
    input: Prompt,
    wanted: Wanted,
    stopwatch: Stopwatch,
    reader: ((chunk: CompletionChunk) => unknown) | undefined,
    left?: AbortSignal,
  ): Promise<Completion> {
    const { request } = wanted;
    await this.admit(request.signal);
    if (input.length === 0 && typeof input !== 'string') {
      throw wrongRange('at least one token', 'prompt', input);
    }
    let isUntold = false;
    try {
      const written = await write(request, reader, left, async (emit, stopped) => {
        const generation = await this.#generate(input, wanted, stopwatch, emit, stopped).catch(
          (error: unknown) => {
            if (!stopped.aborted) throw error;
            return nothingWritten({ ...request, endOfGeneration: this.endOfGeneration });
          },
        );
        isUntold = generation.isUntold;
        return generation;
      });
      const signal = request.stopOnAbort ? undefined : request.signal;
      const told = isUntold ? await raceAbort(this.#tokensOf(written.text), signal) : {};
      return completionOf({ ...written, ...told }, request, stopwatch);
    } catch (error) {
      throw error instanceof BrokenOff ? await this.#brokenOff(error, wanted, stopwatch) : error;
    }
  }

  /** By the API that the options name, or else by the one that the server turns out to have. */
  async #generate(
    input: Prompt,
    wanted: Wanted,
    stopwatch: Stopwatch,
    emit: Emit | undefined,
    stopped: AbortSignal,
  ): Promise<RemoteGeneration> {
    const known = this.#kind;
    const ask = (kind: WritingApi): Promise<RemoteGeneration> =>
      this.#ask(kind, input, wanted, stopwatch, emit, stopped);
    let kind = known ?? 'completions';
    let generation: RemoteGeneration;
    try {
      generation = await ask(kind);
    } catch (error) {
      const isOther = known === undefined && error instanceof BrokenOff;
      if (!isOther || !noSuchApi(publicError(error.failure, 1))) throw error;
      kind = 'chat';
      generation = await ask(kind);
    }
    // Of a call that was aborted nothing is known.
    if (generation.stopReason !== 'abort') this.#kind ??= kind;
    return generation;
  }

  async #ask(
    kind: WritingApi,
    input: Prompt,
    wanted: Wanted,
    stopwatch: Stopwatch,
    emit: Emit | undefined,
    stopped: AbortSignal,
  ): Promise<RemoteGeneration> {
    const { request } = wanted;
    const prompt = await this.#promptOf(kind, input, stopped);
    const promptTokens = typeof prompt === 'string' ? undefined : prompt.length;
    if (promptTokens !== undefined) this.checkFits(promptTokens);
    const size = this.contextSize;
    const room = size === undefined || promptTokens === undefined ? undefined : size - promptTokens;
    const { systemPrompt } = this.#settings;
    stopwatch.tokenized();
    const asked = {
      ...request,
      kind,
      body: bodyOf(kind, prompt, wanted, { room, systemPrompt }),
      spare: sparesOf(wanted),
      endOfGeneration: this.endOfGeneration,
      promptTokens,
    };
    const tokensOf = new TokenReader(() => this.#tokenizerIfAny());
    const generation = await writeRemotely(this.#client, asked, tokensOf, emit, stopped);
    const { seed } = wanted.sampling;
    return seed === undefined ? generation : { ...generation, seed };
  }

  /** What stands in the request: text, or the tokens where only those say what is meant. */
  async #promptOf(kind: WritingApi, input: Prompt, signal: AbortSignal) {
    if (kind === 'chat') {
      if (typeof input === 'string') return Buffer.from(input).toString();
      const tokenizer = await this.remoteTokenizer(signal);
      return tokenizer.detokenize(input, { special: undefined }, signal);
    }
    if (typeof input !== 'string') return [...input];
    const tokenizer = await raceAbort(this.#tokenizerIfAny(), signal);
    if (!tokenizer?.sendsTokens) return Buffer.from(input).toString();
    return [...(await this.promptTokens(input, signal))];
  }

  async #tokenizerIfAny(): Promise<RemoteTokenizer | undefined> {
    try {
      return await this.remoteTokenizer();
    } catch (error) {
      if (isWithoutTokens(error)) return undefined;
      throw error;
    }
  }

  /** The tokens of a text whose server told none. */
  async #tokensOf(text: string) {
    const tokenizer = await this.#tokenizerIfAny();
    const request = { addSpecial: false, parseSpecial: undefined };
    const tokens = (await tokenizer?.tokenize(text, request)) ?? new Int32Array(0);
    return { tokens, logprobs: new Float64Array(tokens.length).fill(Number.NaN) };
  }

  async #brokenOff(
    { failure, attempts, generation }: BrokenOff,
    { request }: Wanted,
    stopwatch: Stopwatch,
  ): Promise<Error> {
    const { status, refusal } = failure.facts;
    const isAboutTop = request.topLogprobs > 0 && /logprobs/.test(refusal?.message ?? '');
    if (isAboutTop && status !== undefined && status < 500) {
      const message = `The server refuses topLogprobs ${request.topLogprobs}: ${refusal?.message}`;
      return new NotSupportedError(message, { cause: publicError(failure, attempts) });
    }
    if (generation === undefined) return publicError(failure, attempts);
    const whole = { ...generation, isLeft: false };
    const completion = completionOf(whole, { ...request, isChosen: false }, stopwatch);
    return publicError(failure, attempts, completion);
  }
}
