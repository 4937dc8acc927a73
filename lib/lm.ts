// LM: the interface and life cycle that all language models of this package share. GreedyLM and the
// remote LMs extend it.

import type { Choice } from './choose/choice.js';
import type { ChooseOptions } from './choose/choose-options.js';
import { raceAbort } from './common/abort.js';
import { checkString, type Prompt, wrongRange } from './common/arguments.js';
import { type CallOptions, readSignal } from './common/call-options.js';
import type { Completion } from './common/completion.js';
import { ClosedError, ContextOverflowError } from './common/errors.js';
import type { DetokenizeOptions, TokenizeOptions } from './common/text-options.js';
import { type CompleteOptions, readCompleteOptions } from './generation/completion-options.js';
import type { CompletionStream } from './generation/completion-stream.js';
import { type StreamPrintOptions, streamPrint } from './generation/stream-print.js';

/** A language model. Close it when done: `await using lm = …`, or `await lm.close()`. */
export abstract class LM implements AsyncDisposable {
  #closing: Promise<void> | undefined;

  /** The number of tokens in the vocabulary, or undefined if unknown. */
  get vocabularySize(): number | undefined {
    return undefined;
  }

  /**
   * The maximum number of tokens of a prompt and its continuation, or undefined if unknown. Of an
   * {@link encoderDecoder}: of the prompt, and also of the decoder's start token and what follows.
   */
  get contextSize(): number | undefined {
    return undefined;
  }

  /**
   * Whether an encoder reads prompts, as in T5, and a decoder begins a text of its own, instead of
   * continuing the prompt's.
   */
  get encoderDecoder(): boolean {
    return false;
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** The token ids of a text. A lone surrogate is treated as U+FFFD. */
  abstract tokenize(text: string, options?: TokenizeOptions): Promise<Int32Array>;

  /** The text of token ids. Invalid UTF-8 becomes U+FFFD. */
  abstract detokenize(tokens: Int32Array, options?: DetokenizeOptions): Promise<string>;

  /**
   * The number of tokens of a text as a prompt, including the special tokens that the model adds,
   * such as BOS.
   */
  async countTokens(text: string, options?: CallOptions): Promise<number> {
    checkString(text, 'text');
    const signal = readSignal(options);
    return (await this.tokenize(text, { addSpecial: true, signal })).length;
  }

  /**
   * Throws what {@link complete} would throw for options that are invalid or that this LM does not
   * support, without generating anything. By default, checks only whether they are valid.
   *
   * @throws TypeError, RangeError, NotSupportedError
   */
  checkCompletion(options?: CompleteOptions): void {
    readCompleteOptions(options, {});
  }

  /**
   * The tokens of each text, as {@link tokenize} returns them. An LM may do so in one job.
   *
   * @internal
   */
  async tokenizeEach(texts: readonly string[], options: TokenizeOptions): Promise<Int32Array[]> {
    const lists: Int32Array[] = [];
    for (const text of texts) lists.push(await this.tokenize(text, options));
    return lists;
  }

  /** Continues a prompt. */
  abstract complete(prompt: Prompt, options?: CompleteOptions): Promise<Completion>;

  /** Continues a prompt and delivers the completion in chunks. The generation starts at once. */
  abstract stream(prompt: Prompt, options?: CompleteOptions): CompletionStream;

  /** Like {@link stream}, but prints the text as it is generated. Resolves with the text. */
  streamPrint(prompt: Prompt, options?: StreamPrintOptions): Promise<string> {
    return streamPrint(this, prompt, options);
  }

  /** Picks the most likely of several continuations. */
  abstract choose(
    prompt: Prompt,
    choices: readonly string[] | readonly Int32Array[],
    options?: ChooseOptions,
  ): Promise<Choice>;

  /** Ends running calls and frees resources. Idempotent; later calls reject with ClosedError. */
  close(): Promise<void> {
    this.#closing ??= this.closeImpl();
    return this.#closing;
  }

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Frees the subclass's resources; called once. */
  protected async closeImpl(): Promise<void> {}

  /** Throws if the signal is aborted or the LM closed. Every public method awaits it first. */
  protected async admit(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.closed) throw new ClosedError('The LM is closed');
  }

  /**
   * The tokens of a checked prompt: a text is tokenized with the model's special tokens, ids are
   * used as they are. Throws a RangeError for an empty prompt.
   */
  protected async promptTokens(prompt: Prompt, signal?: AbortSignal): Promise<Int32Array> {
    const tokens =
      typeof prompt === 'string'
        ? await raceAbort(this.tokenizePrompt(prompt, signal), signal)
        : prompt;
    if (tokens.length === 0) throw wrongRange('at least one token', 'prompt', prompt);
    return tokens;
  }

  /**
   * Begins a call with a checked prompt: returns its tokens, which fit in the context.
   *
   * @internal
   */
  protected async admitPrompt(
    prompt: Prompt,
    signal: AbortSignal | undefined,
  ): Promise<Int32Array> {
    await this.admit(signal);
    const tokens = await this.promptTokens(prompt, signal);
    this.checkFits(tokens.length);
    return tokens;
  }

  /** The tokens of a text at the beginning of a prompt. An abort stops the work. */
  protected tokenizePrompt(text: string, signal?: AbortSignal): Promise<Int32Array> {
    return this.tokenize(text, { addSpecial: true, parseSpecial: false, signal });
  }

  /** Throws a ContextOverflowError if a prompt does not fit in the context. */
  protected checkFits(promptLength: number): void {
    const size = this.contextSize;
    if (size === undefined || promptLength <= size) return;
    throw new ContextOverflowError(
      `The prompt of ${promptLength} tokens does not fit in the context of ${size}`,
    );
  }
}
