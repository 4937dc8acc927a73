// The prompt of the bot's next turn: the messages that fit, as tokens, and the stops that end the
// turn. `Thread` and `LocalLLM` generate with it.

import type { LM } from '../lm.js';
import type { Conversation } from './conversation.js';
import { type Fitted, fit } from './fit.js';
import type { Message } from './message.js';

/** How to render the next turn. */
export interface ChatPromptOptions {
  /** The beginning of the bot's turn. */
  prefix?: string;
  /** The maximum number of tokens of the answer; some of the context is reserved for it. */
  maxTokens: number;
  /** The maximum number of tokens of prompt and answer. Default: the LM's context size. */
  contextSize?: number | undefined;
  /** The caller's own stops. */
  stops?: readonly (string | number)[];
  /** Ends the rendering. */
  signal?: AbortSignal | undefined;
}

/** A prompt, and what ends its completion. */
export interface ChatPrompt extends Fitted {
  /** Stop strings and tokens: the format's, the caller's, and the control tokens they spell. */
  stop: (string | number)[];
}

/**
 * Renders the messages that fit in the context.
 *
 * @throws ContextOverflowError if the latest exchange alone is too long
 */
export async function chatPrompt(
  lm: LM,
  conversation: Conversation,
  messages: readonly Message[],
  { prefix = '', maxTokens, contextSize = lm.contextSize, stops = [], signal }: ChatPromptOptions,
): Promise<ChatPrompt> {
  const { vocabularySize = Infinity, encoderDecoder } = lm;
  const render = (kept: readonly Message[]) => conversation.tokens(kept, true, prefix, signal);
  const fitted = await fit(messages, { contextSize, encoderDecoder, maxTokens }, render);
  const requested = [...(conversation.format?.stops ?? []), ...stops];
  const controlTokens = await conversation.controlTokens(requested);
  // A token id outside of the vocabulary is never generated, and the LM would reject it.
  const stop = [...requested, ...controlTokens].filter(
    (item) => typeof item === 'string' || item < vocabularySize,
  );
  return { ...fitted, stop };
}
