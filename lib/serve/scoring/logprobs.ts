// Log-probabilities as answers have them: the lists of OpenAI's completions, and the objects of
// its chat, both with the tokens' ids besides.

import type { Naming, TokenNames } from './token-names.js';
import { type Place, withOwn } from './token-position.js';

/** JSON has no −Infinity; OpenAI and vLLM write this for what is impossible. */
const impossible = -9999;

const written = (logprob: number): number => Math.max(logprob, impossible);

/** The `logprobs` of a completion: one entry per token in each of the lists. */
export interface CompletionLogprobs {
  tokens: string[];
  /** Null for a token that stands after nothing. */
  token_logprobs: (number | null)[];
  /** The likeliest in each place and the place's own, by name. */
  top_logprobs: (Record<string, number> | null)[];
  /** Where each begins in the answer's text, in code points. */
  text_offset: number[];
  token_ids: number[];
}

/** Writes the lists of one answer, token by token. */
export class LogprobLists {
  readonly #names: TokenNames;
  readonly #naming: Naming;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #lists = noLists();
  #offset = 0;

  constructor(names: TokenNames, naming: Naming) {
    this.#names = names;
    this.#naming = naming;
  }

  /**
   * Adds a token.
   *
   * @param place undefined where nothing is known of it
   * @param bytes what it adds to the answer's text
   */
  add(token: number, place: Place | undefined, bytes: Uint8Array): void {
    const { tokens, token_logprobs, top_logprobs, text_offset, token_ids } = this.#lists;
    tokens.push(this.#names.name(token, this.#naming));
    token_logprobs.push(place === undefined ? null : written(place.logprob));
    top_logprobs.push(place === undefined ? null : this.#top(place));
    text_offset.push(this.#offset);
    token_ids.push(token);
    for (const _ of this.#decoder.decode(bytes, { stream: true })) this.#offset++;
  }

  /**
   * Adds a prompt's tokens. Where they stand for more than `text` has, as tokenizers do that put a
   * space in front, the rest is left out of the offsets.
   */
  addPrompt(
    tokens: Int32Array,
    places: readonly (Place | undefined)[],
    text: string,
    unwritten: number,
  ): void {
    const pieces = Array.from(tokens, (token, index) =>
      index < unwritten ? new Uint8Array(0) : this.#names.bytes(token),
    );
    const excess = Buffer.concat(pieces).toString() === ` ${text}` ? 1 : 0;
    for (const [index, token] of tokens.entries()) {
      const piece = pieces[index] as Uint8Array;
      const isFirst = index === unwritten;
      this.add(token, places[index], isFirst ? piece.subarray(excess) : piece);
    }
  }

  /** What was added since it was asked last. */
  take(): CompletionLogprobs {
    const lists = this.#lists;
    this.#lists = noLists();
    return lists;
  }

  #top(place: Place): Record<string, number> {
    const top = withOwn(place);
    const names = this.#names.distinct(
      top.map(({ token }) => token),
      this.#naming,
    );
    // Not by assignment: a token may be called __proto__.
    return Object.fromEntries(
      top.map(({ logprob }, index) => [names[index] as string, written(logprob)]),
    );
  }
}

const noLists = (): CompletionLogprobs => ({
  tokens: [],
  token_logprobs: [],
  top_logprobs: [],
  text_offset: [],
  token_ids: [],
});

/** A token of a chat's answer. */
export interface ChatToken {
  token: string;
  logprob: number;
  bytes: number[];
  id: number;
}

/** A place of a chat's answer. */
export interface ChatPlace extends ChatToken {
  /** As many of the likeliest as were asked for, its own among them or not. */
  top_logprobs: ChatToken[];
}

/** A place as chats have it. */
export function chatPlace(names: TokenNames, { token, logprob, top }: Place): ChatPlace {
  const tell = (id: number, value: number): ChatToken => ({
    token: names.text(id),
    logprob: written(value),
    bytes: Array.from(names.bytes(id)),
    id,
  });
  return {
    ...tell(token, logprob),
    top_logprobs: top.map((other) => tell(other.token, other.logprob)),
  };
}
