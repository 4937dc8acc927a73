// What the parts of the class OpenAI need of it: `remote-writer.ts`, which writes, and `engine.ts`,
// which the ways of choosing have. `openai.ts` makes one.

import type { Prompt } from '../common/arguments.js';
import type { RemoteTokenizer } from './tokenizer/tokenizer.js';

/** An LM as its parts see it; what tokenizers tell may be known later. */
export interface Owner {
  readonly vocabularySize: number | undefined;
  readonly contextSize: number | undefined;
  readonly endOfGeneration: Int32Array;
  /** Begins a call; throws where the LM is closed or the signal aborted. */
  admit(signal: AbortSignal | undefined): Promise<void>;
  /** The tokens of a prompt: text with its special tokens, ids as they are. At least one. */
  promptTokens(prompt: Prompt, signal?: AbortSignal): Promise<Int32Array>;
  /** The same of a text, which may have none. */
  tokenizePrompt(text: string): Promise<Int32Array>;
  /** Throws a ContextOverflowError where a prompt is too long. */
  checkFits(promptLength: number): void;
  /** Rejects where nobody knows the model's tokens. */
  tokenizer(signal?: AbortSignal): Promise<RemoteTokenizer>;
  /** The same, undefined where they are known not to be had: a text can be had without. */
  tokenizerIfAny(): Promise<RemoteTokenizer | undefined>;
}
