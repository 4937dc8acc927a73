// Truncates a history to the context: keeps the leading system message and as many of the latest
// whole exchanges as fit. `Thread` builds its prompts with it.

import { ContextOverflowError } from '../common/errors.js';
import { roomAfter } from '../common/room.js';
import type { Message } from './message.js';

/** A truncated history. */
export interface Fitted {
  messages: Message[];
  tokens: Int32Array;
  /** The number of messages left out. */
  dropped: number;
}

/** The token budget. */
export interface TokenBudget {
  /** Undefined if unknown: then everything fits. */
  contextSize: number | undefined;
  /** Whether the answer takes no room from the messages, because an encoder reads them. */
  encoderDecoder: boolean;
  /** The maximum number of tokens of the answer. */
  maxTokens: number;
}

/** An upper estimate: hardly any vocabulary averages this many characters per token. */
const charactersPerToken = 8;

/** The tokens reserved for an answer without a limit: a quarter of the context, at most 512. */
const defaultReserve = (contextSize: number): number => Math.min(512, Math.floor(contextSize / 4));

/** The tokens to reserve for the answer: at least one, at most half of the context, if any. */
export function reservedTokens(budget: TokenBudget): number {
  const { contextSize = Infinity, encoderDecoder, maxTokens } = budget;
  if (encoderDecoder) return 0;
  const requested = maxTokens === Infinity ? defaultReserve(contextSize) : maxTokens;
  return Math.max(1, Math.min(requested, Math.floor(contextSize / 2)));
}

/**
 * The indices at which exchanges begin. An exchange begins with the first message of another role
 * after a bot message. A leading system message belongs to no exchange.
 */
export function exchangeStarts(messages: readonly Message[]): number[] {
  const first = messages[0]?.role === 'system' ? 1 : 0;
  return [...messages.keys()].filter((index) => {
    if (index < first) return false;
    if (index === first) return true;
    return messages[index]?.role !== 'bot' && messages[index - 1]?.role === 'bot';
  });
}

/**
 * Drops the oldest exchanges until the rest and the tokens reserved for the answer fit. The latest
 * exchange always stays, even if it leaves fewer tokens for the answer.
 *
 * @throws ContextOverflowError if the latest exchange leaves no room for even one token
 */
export async function fit(
  messages: readonly Message[],
  budget: TokenBudget,
  render: (messages: readonly Message[]) => Promise<Int32Array>,
): Promise<Fitted> {
  const starts = exchangeStarts(messages);
  const system = messages.slice(0, starts[0] ?? messages.length);
  const dropping = async (exchanges: number): Promise<Fitted> => {
    const kept = [...system, ...messages.slice(starts[exchanges] ?? 0)];
    const all = exchanges === 0 ? [...messages] : kept;
    return { messages: all, tokens: await render(all), dropped: messages.length - all.length };
  };
  const { contextSize = Infinity } = budget;
  const limit = contextSize - reservedTokens(budget);
  const maxDrop = Math.max(starts.length - 1, 0);
  // Binary search for the fewest exchanges to drop: fewer exchanges take fewer tokens.
  let [tooFew, enough] = [-1, maxDrop];
  let best: Fitted | undefined;
  const attempt = async (exchanges: number): Promise<void> => {
    const fitted = await dropping(exchanges);
    if (fitted.tokens.length <= limit) [best, enough] = [fitted, exchanges];
    else tooFew = exchanges;
  };
  await attempt(Math.min(firstGuess(messages, starts, contextSize), maxDrop));
  while (enough - tooFew > 1) await attempt((tooFew + enough) >> 1);
  best ??= await dropping(maxDrop);
  if (roomAfter(budget, best.tokens.length) > 0) return best;
  throw new ContextOverflowError(
    `The latest messages take ${best.tokens.length} tokens, which leaves no room for an answer in the context of ${contextSize}`,
  );
}

/**
 * Where the search starts: drops so many exchanges that the rest might fit, judged by character
 * counts. Without it, every call would render a history that is far too long in full.
 */
function firstGuess(
  messages: readonly Message[],
  starts: readonly number[],
  contextSize: number,
): number {
  let characters = 0;
  for (let exchange = starts.length - 1; exchange > 0; exchange--) {
    const members = messages.slice(starts[exchange], starts[exchange + 1]);
    for (const { content } of members) characters += content.length;
    if (characters > contextSize * charactersPerToken) return exchange + 1;
  }
  return 0;
}
