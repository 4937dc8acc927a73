// Log-probabilities in OpenAI's response formats: the parallel lists of completions and the
// objects of chat completions. Both have token ids in addition.

import type { Naming, TokenNames } from './token-names.js';
import { type TokenPosition, withOwnToken } from './token-position.js';

/** Stands for −Infinity, which JSON lacks; the same value as OpenAI's and vLLM's. */
const impossible = -9999;

const jsonLogprob = (logprob: number): number => Math.max(logprob, impossible);

/** The `logprobs` of a completion: one entry per token in each of the lists. */
export interface CompletionLogprobs {
  tokens: string[];
  /** Null for a token without preceding tokens. */
  token_logprobs: (number | null)[];
  /** Per position: the top tokens and the position's own token, keyed by name. */
  top_logprobs: (Record<string, number> | null)[];
  /** Start of each token in the completion's text, in code points. */
  text_offset: number[];
  token_ids: number[];
}

/** Builds the lists of one completion, token by token. */
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
   * @param position undefined if the token has no score
   * @param bytes what the token adds to the completion's text
   */
  add(token: number, position: TokenPosition | undefined, bytes: Uint8Array): void {
    const { tokens, token_logprobs, top_logprobs, text_offset, token_ids } = this.#lists;
    tokens.push(this.#names.name(token, this.#naming));
    token_logprobs.push(position === undefined ? null : jsonLogprob(position.logprob));
    top_logprobs.push(position === undefined ? null : this.#top(position));
    text_offset.push(this.#offset);
    token_ids.push(token);
    for (const _ of this.#decoder.decode(bytes, { stream: true })) this.#offset++;
  }

  /**
   * Adds a prompt's tokens.
   *
   * @param text the prompt's text. Some tokenizers prepend a space that it does not have; that
   * space does not count in the offsets.
   * @param zeroWidth number of leading tokens that are not part of `text`
   */
  addPrompt(
    tokens: Int32Array,
    positions: readonly (TokenPosition | undefined)[],
    text: string,
    zeroWidth: number,
  ): void {
    const pieces = Array.from(tokens, (token, index) =>
      index < zeroWidth ? new Uint8Array(0) : this.#names.bytes(token),
    );
    const excess = Buffer.concat(pieces).toString() === ` ${text}` ? 1 : 0;
    for (const [index, token] of tokens.entries()) {
      const piece = pieces[index] as Uint8Array;
      const isFirst = index === zeroWidth;
      this.add(token, positions[index], isFirst ? piece.subarray(excess) : piece);
    }
  }

  /** Returns the entries added since the last call. */
  take(): CompletionLogprobs {
    const lists = this.#lists;
    this.#lists = noLists();
    return lists;
  }

  #top(position: TokenPosition): Record<string, number> {
    const top = withOwnToken(position);
    const names = this.#names.distinct(
      top.map(({ token }) => token),
      this.#naming,
    );
    // Not by assignment: a token may be named __proto__.
    return Object.fromEntries(
      top.map(({ logprob }, index) => [names[index] as string, jsonLogprob(logprob)]),
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

/** A token in a chat completion's log-probabilities. */
export interface ChatTopLogprob {
  token: string;
  logprob: number;
  bytes: number[];
  id: number;
}

/** A position in a chat completion's log-probabilities. */
export interface ChatTokenLogprob extends ChatTopLogprob {
  /** The requested number of top tokens, whether or not the position's own is among them. */
  top_logprobs: ChatTopLogprob[];
}

/** Converts a position to the format of chat completions. */
export function chatTokenLogprob(
  names: TokenNames,
  { token, logprob, top }: TokenPosition,
): ChatTokenLogprob {
  const toJson = (id: number, value: number): ChatTopLogprob => ({
    token: names.text(id),
    logprob: jsonLogprob(value),
    bytes: Array.from(names.bytes(id)),
    id,
  });
  return {
    ...toJson(token, logprob),
    top_logprobs: top.map((other) => toJson(other.token, other.logprob)),
  };
}
