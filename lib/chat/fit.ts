// What of a history a context has room for: the system message that it begins with, and of the
// rest as many of the newest exchanges as fit, whole ones. Threads prompt with it.

import { ContextOverflowError } from '../errors.js';
import type { Message } from './message.js';

/** What fits. */
export interface Fitted {
  messages: Message[];
  tokens: Int32Array;
  /** How many messages were left out. */
  dropped: number;
}

/** How many tokens there are, and for what. */
export interface Space {
  /** Undefined where it is not known: then everything fits. */
  contextSize: number | undefined;
  /** Most tokens that the answer may have. */
  maxTokens: number;
}

/** What is kept free for an answer of any length: a quarter of the context, 512 tokens at most. */
const usualRoom = (contextSize: number): number => Math.min(512, Math.floor(contextSize / 4));

/** The tokens to keep free for the answer; half of the context at most, one at least. */
export function roomFor({ contextSize = Infinity, maxTokens }: Space): number {
  const wanted = maxTokens === Infinity ? usualRoom(contextSize) : maxTokens;
  return Math.max(1, Math.min(wanted, Math.floor(contextSize / 2)));
}

/**
 * Where the exchanges begin: each with what somebody else says after the bot has spoken. A
 * system message in front is of none.
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
 * Drops the oldest exchanges until the rest and the answer's room fit. The newest exchange stays:
 * where it leaves less room, the answer has to be shorter.
 *
 * @throws ContextOverflowError where not even the newest fits, with one token of an answer
 */
export async function fit(
  messages: readonly Message[],
  space: Space,
  render: (messages: readonly Message[]) => Promise<Int32Array>,
): Promise<Fitted> {
  const starts = exchangeStarts(messages);
  const system = messages.slice(0, starts[0] ?? messages.length);
  const without = async (exchanges: number): Promise<Fitted> => {
    const kept = [...system, ...messages.slice(starts[exchanges] ?? 0)];
    const all = exchanges === 0 ? [...messages] : kept;
    return { messages: all, tokens: await render(all), dropped: messages.length - all.length };
  };
  const { contextSize = Infinity } = space;
  const limit = contextSize - roomFor(space);
  let best = await without(0);
  // Fewer exchanges are fewer tokens: the least number to drop is found by halving.
  let [tooFew, enough] = [0, starts.length - 1];
  if (best.tokens.length > limit && enough > 0) best = await without(enough);
  while (best.tokens.length <= limit && best.dropped > 0 && enough - tooFew > 1) {
    const middle = (tooFew + enough) >> 1;
    const tried = await without(middle);
    if (tried.tokens.length > limit) tooFew = middle;
    else [best, enough] = [tried, middle];
  }
  if (best.tokens.length < contextSize) return best;
  throw new ContextOverflowError(
    `The newest messages have ${best.tokens.length} tokens, which leaves no room for an answer in the context of ${contextSize}`,
  );
}
