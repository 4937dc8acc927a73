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
import type { Client, Endpoint } from '../http/client.js';
import { publicError } from '../http/failure.js';
import type { OpenAISettings } from '../options.js';
import type { Owner } from '../owner.js';
import {
  emptyGeneration,
  GenerationFailed,
  generateRemotely,
  type RemoteGeneration,
} from './attempts.js';
import {
  bodyOf,
  extractSchema,
  isConversation,
  optionalFieldsOf,
  type RemoteMessage,
  type RequestedCompletion,
  refuseUnsupported,
} from './request-body.js';
import { samplingOf } from './sampling.js';
import { TokenReader } from './token-reader.js';

const completionsRefusal =
  /chat model|\bcompletions?\b.*\b(not|unsupported)\b|\b(not|unsupported)\b.*\bcompletions?\b/i;

/** Whether the error means that the server or the model does not support completions. */
const isEndpointMissing = (error: unknown): boolean => {
  if (!(error instanceof RemoteError)) return false;
  const { status = 0, message } = error;
  if (status === 404 || status === 405 || status === 501) return true;
  return status === 400 && completionsRefusal.test(message);
};

/** A prompt, or a conversation to answer. */
export type RemoteInput = Prompt | readonly RemoteMessage[];

/** Generates completions for one LM. */
export class RemoteGenerator {
  readonly #owner: Owner;
  readonly #client: Client;
  readonly #settings: OpenAISettings;
  /** The endpoint that the options name, or that the first successful call found. */
  #endpoint: Endpoint | undefined;

  constructor(owner: Owner, client: Client, settings: OpenAISettings) {
    this.#owner = owner;
    this.#client = client;
    this.#settings = settings;
    this.#endpoint = settings.api === 'auto' ? undefined : settings.api;
  }

  /** Validates the options of a call; throws TypeError, RangeError, NotSupportedError. */
  readOptions(options: CompleteOptions | undefined): RequestedCompletion {
    const { defaults, sampler } = this.#settings.completion;
    const { jsonSchema, rest } = extractSchema(options);
    const request = readCompleteOptions(rest, defaults);
    const sampling = samplingOf(rest?.sampler ?? sampler, this.#settings.temperature);
    const requested = { request, sampling, jsonSchema };
    refuseUnsupported(requested);
    return requested;
  }

  /**
   * Generates one completion, passing chunks to the reader if there is one; `readerLeft` aborts
   * when the reader leaves.
   */
  async generate(
    input: RemoteInput,
    requested: RequestedCompletion,
    stopwatch: Stopwatch,
    reader: ((chunk: CompletionChunk) => unknown) | undefined,
    readerLeft?: AbortSignal,
  ): Promise<Completion> {
    const { request } = requested;
    await this.#owner.admit(request.signal);
    if (input.length === 0 && typeof input !== 'string') {
      throw wrongRange('at least one token', 'prompt', input);
    }
    let lacksTokens = false;
    try {
      const generated = await runGeneration(request, reader, readerLeft, async (emit, stopped) => {
        const generation = await this.#generate(input, requested, stopwatch, emit, stopped).catch(
          (error: unknown) => {
            if (!stopped.aborted) throw error;
            return emptyGeneration({ ...request, endOfGeneration: this.#owner.endOfGeneration });
          },
        );
        lacksTokens = generation.lacksTokens;
        return generation;
      });
      const signal = request.stopOnAbort ? undefined : request.signal;
      const tokenized = lacksTokens
        ? await raceAbort(this.#tokenizeText(generated.text), signal)
        : {};
      return completionOf({ ...generated, ...tokenized }, request, stopwatch);
    } catch (error) {
      throw error instanceof GenerationFailed
        ? await this.#errorFor(error, requested, stopwatch)
        : error;
    }
  }

  /**
   * Uses the endpoint that the options name; the chat API for a conversation. Otherwise tries completions first and falls back to
   * chat.
   */
  async #generate(
    input: RemoteInput,
    requested: RequestedCompletion,
    stopwatch: Stopwatch,
    emit: Emit | undefined,
    stopped: AbortSignal,
  ): Promise<RemoteGeneration> {
    if (isConversation(input)) {
      return this.#request('chat', input, requested, stopwatch, emit, stopped);
    }
    const known = this.#endpoint;
    const run = (endpoint: Endpoint): Promise<RemoteGeneration> =>
      this.#request(endpoint, input, requested, stopwatch, emit, stopped);
    let endpoint = known ?? 'completions';
    let generation: RemoteGeneration;
    try {
      generation = await run(endpoint);
    } catch (error) {
      const canFallBack = known === undefined && error instanceof GenerationFailed;
      if (!canFallBack || !isEndpointMissing(publicError(error.failure, 1))) throw error;
      endpoint = 'chat';
      generation = await run(endpoint);
    }
    // An aborted call does not prove that the endpoint works.
    if (generation.stopReason !== 'abort') this.#endpoint ??= endpoint;
    return generation;
  }

  async #request(
    endpoint: Endpoint,
    input: RemoteInput,
    requested: RequestedCompletion,
    stopwatch: Stopwatch,
    emit: Emit | undefined,
    stopped: AbortSignal,
  ): Promise<RemoteGeneration> {
    const { request } = requested;
    const prompt = await this.#promptOf(endpoint, input, stopped);
    const isText = typeof prompt === 'string' || isConversation(prompt);
    const promptTokens = isText ? undefined : prompt.length;
    if (promptTokens !== undefined) this.#owner.checkFits(promptTokens);
    const size = this.#owner.contextSize;
    const remaining =
      size === undefined || promptTokens === undefined ? undefined : size - promptTokens;
    const { systemPrompt } = this.#settings;
    stopwatch.tokenized();
    const remoteRequest = {
      ...request,
      endpoint,
      body: bodyOf(endpoint, prompt, requested, { remaining, systemPrompt }),
      optional: optionalFieldsOf(requested),
      endOfGeneration: this.#owner.endOfGeneration,
      promptTokens,
    };
    const tokenReader = new TokenReader(() => this.#owner.tokenizerIfAny());
    const generation = await generateRemotely(
      this.#client,
      remoteRequest,
      tokenReader,
      emit,
      stopped,
    );
    const { seed } = requested.sampling;
    return seed === undefined ? generation : { ...generation, seed };
  }

  /**
   * The prompt as it is sent. Chats get text. Completions get token ids if the caller gave ids, or
   * if the server would parse special tokens in a text.
   */
  async #promptOf(endpoint: Endpoint, input: RemoteInput, signal: AbortSignal) {
    if (isConversation(input)) return input;
    if (endpoint === 'chat') {
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
  async #tokenizeText(text: string) {
    const tokenizer = await this.#owner.tokenizerIfAny();
    const request = { addSpecial: false, parseSpecial: undefined, continuation: true };
    const tokens = (await tokenizer?.tokenize(text, request)) ?? new Int32Array(0);
    return { tokens, logprobs: new Float64Array(tokens.length).fill(Number.NaN) };
  }

  async #errorFor(
    { failure, attempts, generation }: GenerationFailed,
    { request }: RequestedCompletion,
    stopwatch: Stopwatch,
  ): Promise<Error> {
    const { status, errorObject } = failure.details;
    const isLogprobsRefusal =
      request.topLogprobs > 0 && /logprobs/.test(errorObject?.message ?? '');
    if (isLogprobsRefusal && status !== undefined && status < 500) {
      const message = `The server rejects topLogprobs ${request.topLogprobs}: ${errorObject?.message}`;
      return new NotSupportedError(message, { cause: publicError(failure, attempts) });
    }
    if (generation === undefined) return publicError(failure, attempts);
    const partial = { ...generation, isLeft: false };
    const completion = completionOf(partial, { ...request, isChosen: false }, stopwatch);
    return publicError(failure, attempts, completion);
  }
}
