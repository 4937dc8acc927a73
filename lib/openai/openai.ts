// OpenAI: an LM behind an OpenAI-compatible server. It generates through either API and exposes the
// server's tokens; `choose/choose.ts` implements choosing,
// `decide/decide.ts` deciding. There is no `greedy`, since no such
// server returns the full next-token distribution.

import type { MessageLike } from '../chat-template/message.js';
import type { ChoiceStream } from '../choose/choice-stream.js';
import type { Score } from '../choose/score.js';
import { raceAbort } from '../common/abort.js';
import { checkPrompt, checkString, checkTokens, type Prompt } from '../common/arguments.js';
import { type CallOptions, readSignal } from '../common/call-options.js';
import type { Completion, CompletionChunk } from '../common/completion.js';
import { NotSupportedError } from '../common/errors.js';
import type { DetokenizeOptions, TokenizeOptions } from '../common/text-options.js';
import { readDetokenizeOptions, readTokenizeOptions } from '../common/text-options.js';
import { type Cost, noCost, Stopwatch } from '../common/usage.js';
import type { DecisionQuestions } from '../decide/question.js';
import type { DecisionState } from '../decide/state.js';
import type { CompleteOptions } from '../generation/completion-options.js';
import { CompletionStream } from '../generation/completion-stream.js';
import { LM } from '../lm.js';
import { RemoteChooser } from './choose/choose.js';
import type { RemoteChooseTask } from './choose/choose-many.js';
import type { RemoteChooseOptions } from './choose/choose-options.js';
import type { RemoteChoice } from './choose/choose-result.js';
import { Engine } from './choose/engine.js';
import type { ServerFeatures } from './choose/probe.js';
import { readConversation } from './completion/conversation.js';
import { RemoteGenerator, type RemoteInput } from './completion/remote-completion.js';
import { RemoteDecider } from './decide/decide.js';
import type { RemoteDecideOptions } from './decide/decide-options.js';
import type { RemoteDecision } from './decide/decide-result.js';
import { Client } from './http/client.js';
import { makeClient } from './http/connection.js';
import { type OpenAIOptions, type OpenAISettings, readOpenAIOptions } from './options.js';
import type { Owner } from './owner.js';
import { embedTexts, type RemoteModel, readModels } from './resources.js';
import { findTokenizer } from './tokenizer/find-tokenizer.js';
import { SharedTokenizer } from './tokenizer/shared-tokenizer.js';

/**
 * A language model behind an OpenAI-compatible server, such as OpenAI's own, llama.cpp's or vLLM.
 *
 * @example
 * const lm = new OpenAI({ model: 'any', baseURL: 'http://127.0.0.1:8080/v1' });
 * const { text } = await lm.complete('The sky is', { maxTokens: 8 });
 */
export class OpenAI extends LM {
  /** The model's name on the server. */
  readonly model: string;
  readonly #settings: OpenAISettings;
  readonly #client: Client;
  readonly #chooser: RemoteChooser;
  readonly #generator: RemoteGenerator;
  readonly #decider: RemoteDecider;
  readonly #tokenizer: SharedTokenizer;

  /**
   * Sends no request yet.
   *
   * @throws TypeError, RangeError for invalid options; LMError `PEER_MISSING` if the package
   * `openai` is needed and not installed
   */
  constructor(options: OpenAIOptions) {
    super();
    const settings = readOpenAIOptions(options);
    const { model, policy, extraBody, headers, timeout, connection } = settings;
    this.model = model;
    this.#settings = settings;
    const connected = makeClient(connection);
    const transport = {
      client: connected.client,
      headers: { ...connected.headers, ...headers },
      timeout,
    };
    this.#client = new Client({ model, policy, transport, extraBody });
    this.#tokenizer = new SharedTokenizer(() => findTokenizer(this.#client, settings, undefined));
    const owner = this.#asOwner();
    this.#generator = new RemoteGenerator(owner, this.#client, settings);
    this.#chooser = new RemoteChooser(new Engine(owner, this.#client, settings));
    const parts = { lm: this, owner, client: this.#client, chooser: this.#chooser };
    this.#decider = new RemoteDecider(parts);
  }

  /** The vocabulary size, once a tokenizer has reported it. */
  override get vocabularySize(): number | undefined {
    return this.#tokenizer.known?.size;
  }

  /** The option `contextSize`, or else what the server's tokenizer has reported. */
  override get contextSize(): number | undefined {
    return this.#settings.contextSize ?? this.#tokenizer.known?.contextSize;
  }

  /** The end-of-generation tokens: the option, or else those that the tokenizer knows. */
  get endOfGeneration(): Int32Array {
    const own = this.#settings.endOfGeneration ?? this.#tokenizer.known?.endOfGeneration;
    return own?.slice() ?? new Int32Array(0);
  }

  /** The option `beginToken`: the token used as the context of an empty `prior`. */
  get beginToken(): number | undefined {
    return this.#settings.beginToken;
  }

  /**
   * Tokenizes a text with the tokenizer that the option `tokenizer` selects.
   *
   * @throws NotSupportedError if no tokenizer is available for the model; RemoteError
   */
  async tokenize(text: string, options?: TokenizeOptions): Promise<Int32Array> {
    checkString(text, 'text');
    const { addSpecial, continuation, signal } = readTokenizeOptions(options);
    await this.admit(signal);
    const tokenizer = await this.#tokenizer.find(signal);
    const request = { addSpecial, parseSpecial: options?.parseSpecial, continuation };
    return raceAbort(tokenizer.tokenize(text, request, signal), signal);
  }

  /**
   * Detokenizes with the tokenizer that the option `tokenizer` selects.
   *
   * @throws NotSupportedError if no tokenizer is available for the model; RemoteError
   */
  async detokenize(tokens: Int32Array, options?: DetokenizeOptions): Promise<string> {
    const copy = checkTokens(tokens, 'tokens');
    const { continuation, signal } = readDetokenizeOptions(options);
    await this.admit(signal);
    const tokenizer = await this.#tokenizer.find(signal);
    checkTokens(copy, 'tokens', tokenizer.size);
    const request = { special: options?.special, continuation };
    return raceAbort(tokenizer.detokenize(copy, request, signal), signal);
  }

  /**
   * Continues the prompt, or answers it through the chat API. Stops are applied on this side, so
   * that they match exactly as with every other LM.
   *
   * Unknown token ids are −1 and unknown log-probabilities NaN. If the server reports neither ids
   * nor log-probabilities, `tokens` come from tokenizing the completion.
   *
   * @throws RemoteError, with the partial text as `completion`; ContextOverflowError;
   * NotSupportedError for what the API cannot express or the server refuses
   */
  async complete(prompt: Prompt, options?: CompleteOptions): Promise<Completion> {
    const stopwatch = new Stopwatch();
    const input = checkPrompt(prompt, 'prompt');
    const requested = this.#generator.readOptions(options);
    return this.#generator.generate(input, requested, stopwatch, requested.request.onToken);
  }

  /**
   * Like {@link complete}, but streams the completion.
   *
   * @throws TypeError, RangeError immediately for invalid options; iterating throws what `complete`
   * rejects with
   */
  override stream(prompt: Prompt, options?: CompleteOptions): CompletionStream {
    return this.#stream(checkPrompt(prompt, 'prompt'), options);
  }

  override checkCompletion(options?: CompleteOptions): void {
    this.#generator.readOptions(options);
  }

  /** Whether the LM may use the chat API: the option `api` is not `'completions'`. */
  get answersChats(): boolean {
    return this.#settings.api !== 'completions';
  }

  /**
   * Answers a conversation through the chat API: the server renders its messages. They are sent as
   * they are, without the option `systemPrompt` if they begin with a system message.
   *
   * @throws RangeError for no messages; NotSupportedError with the option api `'completions'`; and
   * as {@link complete} does
   * @example
   * const { text } = await lm.completeChat([{ role: 'user', content: 'Who are you?' }]);
   */
  async completeChat(
    messages: readonly MessageLike[],
    options?: CompleteOptions,
  ): Promise<Completion> {
    const stopwatch = new Stopwatch();
    const conversation = this.#readConversation(messages);
    const requested = this.#generator.readOptions(options);
    const { onToken } = requested.request;
    return this.#generator.generate(conversation, requested, stopwatch, onToken);
  }

  /**
   * Like {@link completeChat}, but streams the answer.
   *
   * @throws TypeError, RangeError, NotSupportedError immediately; iterating throws the rest
   */
  streamChat(messages: readonly MessageLike[], options?: CompleteOptions): CompletionStream {
    return this.#stream(this.#readConversation(messages), options);
  }

  #readConversation(messages: readonly MessageLike[]): RemoteInput {
    const conversation = readConversation(messages);
    if (this.answersChats) return conversation;
    throw new NotSupportedError("Conversations need the option api 'chat' or 'auto'");
  }

  #stream(input: RemoteInput, options: CompleteOptions | undefined): CompletionStream {
    const stopwatch = new Stopwatch();
    const requested = this.#generator.readOptions(options);
    return new CompletionStream(requested.request.signal, (deliver, readerLeft) => {
      const reader = (chunk: CompletionChunk): unknown => {
        deliver(chunk);
        return requested.request.onToken?.(chunk);
      };
      return this.#generator.generate(input, requested, stopwatch, reader, readerLeft);
    });
  }

  /**
   * Chooses among continuations of a prompt, using the requested strategy.
   *
   * @throws NotSupportedError if the server or the strategy cannot honor the options; RemoteError;
   * and whatever every `choose` throws
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
   * Runs many {@link choose}, a few concurrently, and yields the results in task order.
   *
   * @throws TypeError, RangeError for invalid options or `tasks`
   */
  chooseMany(
    tasks: Iterable<RemoteChooseTask> | AsyncIterable<RemoteChooseTask>,
    options?: RemoteChooseOptions,
  ): ChoiceStream<RemoteChoice> {
    return this.#chooser.chooseMany(tasks, options);
  }

  /**
   * Answers typed questions about one state, each by a probability per option, as every `decide` does.
   * The option `via` selects how: by the server's own route for decisions, or by scoring the options.
   *
   * @throws TypeError, RangeError for invalid arguments; NotSupportedError for an option or a number of
   * options that the way cannot express, or if the server has no such way; LMError `REFUSED` with the
   * names of the questions that the server refused; RemoteError, also for answers that are no
   * distributions; and what every `decide` throws
   * @example
   * const { answers } = await lm.decide('The service was slow.', {
   *   mood: { type: 'choice', instructions: 'How does the guest feel?', criteria: ['happy', 'angry'] },
   * });
   */
  async decide<const Q extends DecisionQuestions>(
    state: DecisionState,
    questions: Q,
    options?: RemoteDecideOptions,
  ): Promise<RemoteDecision<Q>> {
    return this.#decider.decide(state, questions, options);
  }

  /**
   * The log-probability of one given continuation, tokenized on its own. Needs a server that
   * supports `echo`.
   *
   * @throws RangeError for a prompt or continuation without tokens; ContextOverflowError;
   * NotSupportedError if the server does not support `echo`; RemoteError
   */
  async score(prompt: Prompt, continuation: Prompt, options?: CallOptions): Promise<Score> {
    return this.#chooser.score(prompt, continuation, options);
  }

  /**
   * What the server supports: determined by a few tiny requests on first use, then cached.
   *
   * @throws RemoteError if the server fails; nothing is cached then, and the next call probes again
   */
  async probe(options?: CallOptions): Promise<ServerFeatures> {
    return this.#chooser.probe(options);
  }

  /** The models that the server lists. Throws RemoteError. */
  async listModels(options?: CallOptions): Promise<RemoteModel[]> {
    const signal = readSignal(options);
    await this.admit(signal);
    return readModels(this.#client, signal);
  }

  /**
   * The embedding of a text by the server's `/embeddings`; token ids are sent as they are.
   *
   * @throws RangeError for an empty text; RemoteError
   */
  embed(text: Prompt, options?: CallOptions): Promise<{ embedding: Float32Array } & Cost>;
  /** The embeddings of several texts, in their order. */
  embed(
    texts: readonly Prompt[],
    options?: CallOptions,
  ): Promise<{ embeddings: Float32Array[] } & Cost>;
  async embed(input: Prompt | readonly Prompt[], options?: CallOptions) {
    const stopwatch = new Stopwatch();
    const isList = Array.isArray(input);
    const names = isList ? input.map((_, index) => `texts[${index}]`) : ['text'];
    const texts = (isList ? input : [input]).map((text: unknown, index) =>
      checkPrompt(text, names[index] as string),
    );
    const signal = readSignal(options);
    await this.admit(signal);
    const { embeddings, usage } = await embedTexts(this.#client, texts, names, signal);
    const cost = stopwatch.complete({ ...noCost(), usage });
    return isList ? { embeddings, ...cost } : { embedding: embeddings[0] as Float32Array, ...cost };
  }

  /** The view of this LM that its components get. */
  #asOwner(): Owner {
    const lm = this;
    return {
      get vocabularySize() {
        return lm.vocabularySize;
      },
      get contextSize() {
        return lm.contextSize;
      },
      get endOfGeneration() {
        return lm.endOfGeneration;
      },
      admit: (signal) => this.admit(signal),
      promptTokens: (prompt, signal) => this.promptTokens(prompt, signal),
      tokenizePrompt: (text, signal) => this.tokenizePrompt(text, signal),
      checkFits: (length) => this.checkFits(length),
      tokenizer: (signal) => this.#tokenizer.find(signal),
      tokenizerIfAny: () => this.#tokenizer.findIfAny(),
    };
  }

  protected override async tokenizePrompt(text: string, signal?: AbortSignal): Promise<Int32Array> {
    const tokenizer = await this.#tokenizer.find(signal);
    return tokenizer.tokenize(text, { addSpecial: true, parseSpecial: undefined }, signal);
  }

  protected override async closeImpl(): Promise<void> {
    this.#client.close();
  }
}
