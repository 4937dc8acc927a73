// OpenAI: an LM behind an OpenAI-compatible server. It writes by either API and has the server's
// tokens; `choose.ts` chooses. There is no `greedy`: no such server gives the whole distribution.

import type { ChoiceStream } from '../choose/choice-stream.js';
import type { Score } from '../choose/score.js';
import { raceAbort } from '../common/abort.js';
import { checkPrompt, checkString, checkTokens, type Prompt } from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import type { Completion, CompletionChunk } from '../common/completion.js';
import { LMError } from '../common/errors.js';
import {
  type DetokenizeOptions,
  readDetokenizeOptions,
  readTokenizeOptions,
  type TokenizeOptions,
} from '../common/text-options.js';
import { Stopwatch } from '../common/usage.js';
import type { CompleteOptions } from '../generation/completion-options.js';
import { CompletionStream } from '../generation/completion-stream.js';
import { LM } from '../lm.js';
import { RemoteChooser } from './choose/choose.js';
import type { RemoteChooseTask } from './choose/choose-many.js';
import type { RemoteChooseOptions } from './choose/choose-options.js';
import type { RemoteChoice } from './choose/choose-result.js';
import { Engine } from './choose/engine.js';
import type { ServerFeatures } from './choose/probe.js';
import { RemoteWriter } from './completion/remote-completion.js';
import { Client } from './http/client.js';
import { makeClient } from './http/connection.js';
import { type OpenAIOptions, type OpenAISettings, readOpenAIOptions } from './options.js';
import type { Owner } from './owner.js';
import { findTokenizer } from './tokenizer/find-tokenizer.js';
import type { RemoteTokenizer } from './tokenizer/tokenizer.js';

/** Whether the tokens are known not to be had. A text can be had without. */
const isWithoutTokens = (error: unknown): boolean =>
  error instanceof LMError && (error.code === 'NOT_SUPPORTED' || error.code === 'PEER_MISSING');

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
  readonly #writer: RemoteWriter;
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
    const { model, policy, extraBody, headers, timeout, connection } = settings;
    this.model = model;
    this.#settings = settings;
    const made = makeClient(connection);
    const transport = { client: made.client, headers: { ...made.headers, ...headers }, timeout };
    this.#client = new Client({ model, policy, transport, extraBody });
    const owner = this.#asOwner();
    this.#writer = new RemoteWriter(owner, this.#client, settings);
    this.#chooser = new RemoteChooser(new Engine(owner, this.#client, settings));
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
    const tokenizer = await this.#findTokenizer(signal);
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
    const tokenizer = await this.#findTokenizer(signal);
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
    const wanted = this.#writer.read(options);
    return this.#writer.write(input, wanted, stopwatch, wanted.request.onToken);
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
    const wanted = this.#writer.read(options);
    return new CompletionStream(wanted.request.signal, (deliver, left) => {
      const reader = (chunk: CompletionChunk): unknown => {
        deliver(chunk);
        return wanted.request.onToken?.(chunk);
      };
      return this.#writer.write(input, wanted, stopwatch, reader, left);
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

  /** This LM, for its parts. */
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
      tokenizePrompt: (text) => this.tokenizePrompt(text),
      checkFits: (length) => this.checkFits(length),
      tokenizer: (signal) => this.#findTokenizer(signal),
      tokenizerIfAny: () => this.#tokenizerIfAny(),
    };
  }

  /** The tokenizer, or that there is none; found out once, unless the server failed. */
  async #findTokenizer(signal?: AbortSignal): Promise<RemoteTokenizer> {
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

  async #tokenizerIfAny(): Promise<RemoteTokenizer | undefined> {
    try {
      return await this.#findTokenizer();
    } catch (error) {
      if (isWithoutTokens(error)) return undefined;
      throw error;
    }
  }

  protected override async tokenizePrompt(text: string): Promise<Int32Array> {
    const tokenizer = await this.#findTokenizer();
    return tokenizer.tokenize(text, { addSpecial: true, parseSpecial: undefined });
  }

  protected override async closeImpl(): Promise<void> {
    this.#client.close();
  }
}
