// LM: what every language model of this package does, and the life cycle that all share.
// GreedyLM and the remote LMs extend it.

import type { Choice } from './choose/choice.js';
import type { ChooseOptions } from './choose/choose-options.js';
import { raceAbort } from './common/abort.js';
import { checkString, type Prompt, wrongRange } from './common/arguments.js';
import { type CallOptions, readSignal } from './common/call-options.js';
import type { Completion } from './common/completion.js';
import { ClosedError, ContextOverflowError } from './common/errors.js';
import type { DetokenizeOptions, TokenizeOptions } from './common/text-options.js';
import type { CompleteOptions } from './generation/completion-options.js';
import type { CompletionStream } from './generation/completion-stream.js';
import { type StreamPrintOptions, streamPrint } from './generation/stream-print.js';

/** A language model. Close it when done: `await using lm = …`, or `await lm.close()`. */
export abstract class LM implements AsyncDisposable {
  #closing: Promise<void> | undefined;

  /** How many tokens there are, or undefined where that is not known. */
  get vocabularySize(): number | undefined {
    return undefined;
  }

  /** How many tokens a prompt and what follows it may have, or undefined where that is not known. */
  get contextSize(): number | undefined {
    return undefined;
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** The token ids of a text. A lone surrogate counts as U+FFFD. */
  abstract tokenize(text: string, options?: TokenizeOptions): Promise<Int32Array>;

  /** The text of token ids. Bytes that are no UTF-8 become U+FFFD. */
  abstract detokenize(tokens: Int32Array, options?: DetokenizeOptions): Promise<string>;

  /**
   * How many tokens a text has as a prompt: with those that the model wants around a text, such
   * as its beginning token.
   */
  async countTokens(text: string, options?: CallOptions): Promise<number> {
    checkString(text, 'text');
    const signal = readSignal(options);
    return (await this.tokenize(text, { addSpecial: true, signal })).length;
  }

  /** Writes on after a prompt. */
  abstract complete(prompt: Prompt, options?: CompleteOptions): Promise<Completion>;

  /** Writes on after a prompt, and hands out what is written as it comes. Starts at once. */
  abstract stream(prompt: Prompt, options?: CompleteOptions): CompletionStream;

  /** Does what {@link stream} does, and prints the text as it comes. Gives the text. */
  streamPrint(prompt: Prompt, options?: StreamPrintOptions): Promise<string> {
    return streamPrint(this, prompt, options);
  }

  /** Picks the likeliest of a list of continuations. */
  abstract choose(
    prompt: Prompt,
    choices: readonly string[] | readonly Int32Array[],
    options?: ChooseOptions,
  ): Promise<Choice>;

  /** Ends what runs and frees what is held. Idempotent; later calls reject with ClosedError. */
  close(): Promise<void> {
    this.#closing ??= this.closeImpl();
    return this.#closing;
  }

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Frees what the subclass holds; called once. */
  protected async closeImpl(): Promise<void> {}

  /** Begins a call: every public method awaits it before it does anything. */
  protected async admit(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.closed) throw new ClosedError('The LM is closed');
  }

  /**
   * The tokens of a checked prompt: text with the special tokens that the model wants, ids as
   * they are. Throws a RangeError where there is none.
   */
  protected async promptTokens(prompt: Prompt, signal?: AbortSignal): Promise<Int32Array> {
    const tokens =
      typeof prompt === 'string' ? await raceAbort(this.tokenizePrompt(prompt), signal) : prompt;
    if (tokens.length === 0) throw wrongRange('at least one token', 'prompt', prompt);
    return tokens;
  }

  /**
   * Begins a call with a checked prompt: its tokens, which fit in the context.
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

  /** The tokens of a text that begins a prompt. */
  protected tokenizePrompt(text: string): Promise<Int32Array> {
    return this.tokenize(text, { addSpecial: true, parseSpecial: false });
  }

  /** Throws a ContextOverflowError where a prompt does not fit in the context. */
  protected checkFits(promptLength: number): void {
    const size = this.contextSize;
    if (size === undefined || promptLength <= size) return;
    throw new ContextOverflowError(
      `The prompt of ${promptLength} tokens does not fit in the context of ${size}`,
    );
  }
}
