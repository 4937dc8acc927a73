// What of a history a context has room for: the system message that it begins with, and of the
// rest as many of the newest exchanges as fit, whole ones. Threads prompt with it.

import type { Message } from '../chat-template/message.js';
import { ContextOverflowError } from '../common/errors.js';

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

/** Few vocabularies have as many characters to a token in any text. */
const charactersPerToken = 8;

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
  const most = Math.max(starts.length - 1, 0);
  // The least number of exchanges to drop, by halving: fewer exchanges are fewer tokens.
  let [tooFew, enough] = [-1, most];
  let best: Fitted | undefined;
  const attempt = async (exchanges: number): Promise<void> => {
    const fitted = await without(exchanges);
    if (fitted.tokens.length <= limit) [best, enough] = [fitted, exchanges];
    else tooFew = exchanges;
  };
  await attempt(Math.min(likelyDrop(messages, starts, contextSize), most));
  while (enough - tooFew > 1) await attempt((tooFew + enough) >> 1);
  best ??= await without(most);
  if (best.tokens.length < contextSize) return best;
  throw new ContextOverflowError(
    `The newest messages have ${best.tokens.length} tokens, which leaves no room for an answer in the context of ${contextSize}`,
  );
}

/**
 * Where to begin to look: so many exchanges that the rest is of a size that might fit, so that a
 * history that is far too long is not written out as a whole each time.
 */
function likelyDrop(
  messages: readonly Message[],
  starts: readonly number[],
  contextSize: number,
): number {
  let characters = 0;
  for (let exchange = starts.length - 1; exchange > 0; exchange--) {
    const exchangeOf = messages.slice(starts[exchange], starts[exchange + 1]);
    for (const { content } of exchangeOf) characters += content.length;
    if (characters > contextSize * charactersPerToken) return exchange + 1;
  }
  return 0;
}
