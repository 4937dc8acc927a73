// Completions by a server: turns a call of `complete` or `stream` into requests, selects the
// endpoint, and turns the outcome into a Completion or an error. The class OpenAI owns it.

import { raceAbort } from '../../common/abort.js';
import { type Prompt, wrongRange } from '../../common/arguments.js';
import type { Completion, CompletionChunk } from '../../common/completion.js';
import { NotSupportedError, RemoteError } from '../../common/errors.js';
import type { Stopwatch } from '../../common/usage.js';
import { type CompleteOptions, readCompleteOptions } from '../../generation/completion-options.js';
import type { Emit } from '../../generation/generation.js';
import { completionOf, runGeneration } from '../../generation/run-generation.js';
import type { Client, WritingApi } from '../http/client.js';
import { publicError } from '../http/failure.js';
import type { OpenAISettings } from '../options.js';
import type { Owner } from '../owner.js';
import { BrokenOff, nothingWritten, type RemoteGeneration, writeRemotely } from './attempts.js';
import { bodyOf, checkWanted, sparesOf, takeSchema, type Wanted } from './request-body.js';
import { samplingOf } from './sampling.js';
import { TokenReader } from './token-reader.js';

const refusesCompletions =
  /chat model|\bcompletions?\b.*\b(not|unsupported)\b|\b(not|unsupported)\b.*\bcompletions?\b/i;

/** Whether the error means that the server or the model does not support completions. */
const noSuchApi = (error: unknown): boolean => {
  if (!(error instanceof RemoteError)) return false;
  const { status = 0, message } = error;
  if (status === 404 || status === 405 || status === 501) return true;
  return status === 400 && refusesCompletions.test(message);
};

/** Generates completions for one LM. */
export class RemoteWriter {
  readonly #owner: Owner;
  readonly #client: Client;
  readonly #settings: OpenAISettings;
  /** The endpoint that the options name, or that the first successful call found. */
  #kind: WritingApi | undefined;

  constructor(owner: Owner, client: Client, settings: OpenAISettings) {
    this.#owner = owner;
    this.#client = client;
    this.#settings = settings;
    this.#kind = settings.api === 'auto' ? undefined : settings.api;
  }

  /** Validates the options of a call; throws TypeError, RangeError, NotSupportedError. */
  read(options: CompleteOptions | undefined): Wanted {
    const { defaults, sampler } = this.#settings.completion;
    const { jsonSchema, rest } = takeSchema(options);
    const request = readCompleteOptions(rest, defaults);
    const sampling = samplingOf(rest?.sampler ?? sampler, this.#settings.temperature);
    const wanted = { request, sampling, jsonSchema };
    checkWanted(wanted);
    return wanted;
  }

  /**
   * Generates one completion, passing chunks to the reader if there is one; `readerLeft` aborts
   * when the reader leaves.
   */
  async write(
    input: Prompt,
    wanted: Wanted,
    stopwatch: Stopwatch,
    reader: ((chunk: CompletionChunk) => unknown) | undefined,
    left?: AbortSignal,
  ): Promise<Completion> {
    const { request } = wanted;
    await this.#owner.admit(request.signal);
    if (input.length === 0 && typeof input !== 'string') {
      throw wrongRange('at least one token', 'prompt', input);
    }
    let isUntold = false;
    try {
      const written = await runGeneration(request, reader, left, async (emit, stopped) => {
        const generation = await this.#generate(input, wanted, stopwatch, emit, stopped).catch(
          (error: unknown) => {
            if (!stopped.aborted) throw error;
            return nothingWritten({ ...request, endOfGeneration: this.#owner.endOfGeneration });
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

  /**
   * Uses the endpoint that the options name. Otherwise tries completions first and falls back to
   * chat.
   */
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
    // An aborted call does not prove that the endpoint works.
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
    if (promptTokens !== undefined) this.#owner.checkFits(promptTokens);
    const size = this.#owner.contextSize;
    const room = size === undefined || promptTokens === undefined ? undefined : size - promptTokens;
    const { systemPrompt } = this.#settings;
    stopwatch.tokenized();
    const asked = {
      ...request,
      kind,
      body: bodyOf(kind, prompt, wanted, { room, systemPrompt }),
      spare: sparesOf(wanted),
      endOfGeneration: this.#owner.endOfGeneration,
      promptTokens,
    };
    const tokensOf = new TokenReader(() => this.#owner.tokenizerIfAny());
    const generation = await writeRemotely(this.#client, asked, tokensOf, emit, stopped);
    const { seed } = wanted.sampling;
    return seed === undefined ? generation : { ...generation, seed };
  }

  /**
   * The prompt as it is sent. Chats get text. Completions get token ids if the caller gave ids, or
   * if the server would parse special tokens in a text.
   */
  async #promptOf(kind: WritingApi, input: Prompt, signal: AbortSignal) {
    if (kind === 'chat') {
      if (typeof input === 'string') return Buffer.from(input).toString();
      const tokenizer = await this.#owner.tokenizer(signal);
      return tokenizer.detokenize(input, { special: undefined }, signal);
    }
    if (typeof input !== 'string') return [...input];
    const tokenizer = await raceAbort(this.#owner.tokenizerIfAny(), signal);
    if (!tokenizer?.sendsTokens) return Buffer.from(input).toString();
    return [...(await this.#owner.promptTokens(input, signal))];
  }

  /** Tokenizes a completion for which the server reported no tokens. */
  async #tokensOf(text: string) {
    const tokenizer = await this.#owner.tokenizerIfAny();
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
