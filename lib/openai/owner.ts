// What the components of the class OpenAI need from it: `completion/remote-completion.ts` for
// generation, `choose/engine.ts` for choosing. `openai.ts` creates it.

import type { Prompt } from '../common/arguments.js';
import type { RemoteTokenizer } from './tokenizer/tokenizer.js';

/** An LM as its components see it. What the tokenizer reports may become known only later. */
export interface Owner {
  readonly vocabularySize: number | undefined;
  readonly contextSize: number | undefined;
  readonly endOfGeneration: Int32Array;
  /** Starts a call; throws if the LM is closed or the signal is aborted. */
  admit(signal: AbortSignal | undefined): Promise<void>;
  /**
   * The tokens of a prompt: a text is tokenized with special tokens added, ids are used as they
   * are. Never empty.
   */
  promptTokens(prompt: Prompt, signal?: AbortSignal): Promise<Int32Array>;
  /** The same for a text; the result may be empty. */
  tokenizePrompt(text: string, signal?: AbortSignal): Promise<Int32Array>;
  /** Throws a ContextOverflowError if the prompt is too long. */
  checkFits(promptLength: number): void;
  /** Rejects if no tokenizer is available for the model. */
  tokenizer(signal?: AbortSignal): Promise<RemoteTokenizer>;
  /** The same, but undefined if none is available: completions work without one. */
  tokenizerIfAny(): Promise<RemoteTokenizer | undefined>;
}
