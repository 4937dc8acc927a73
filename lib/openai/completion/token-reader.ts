// Resolves the ids of the tokens that a server reports with its output. `transcript.ts` calls it
// for each token.

import type { RemoteToken } from '../http/logprobs.js';
import type { RemoteTokenizer } from '../tokenizer/tokenizer.js';

/** The id of a token whose id cannot be resolved. */
export const unknownTokenId = -1;

/** Resolves the token ids of one completion. */
export class TokenReader {
  readonly #findTokenizer: () => Promise<RemoteTokenizer | undefined>;

  /** @param findTokenizer returns the tokenizer, undefined if none is available; called lazily */
  constructor(findTokenizer: () => Promise<RemoteTokenizer | undefined>) {
    this.#findTokenizer = findTokenizer;
  }

  /** The id of a token; −1 if neither the server nor the tokenizer knows it. */
  async idOf({ id, text, bytes }: RemoteToken): Promise<number> {
    if (id !== undefined) return id;
    return (await (await this.#findTokenizer())?.tokenOf({ text, bytes })) ?? unknownTokenId;
  }

  /**
   * The text of a token. Looks it up if the server sent an empty one, as llama.cpp's does for
   * special tokens.
   */
  async textOf(token: number, reported: string): Promise<string> {
    if (reported !== '' || token < 0) return reported;
    return (await (await this.#findTokenizer())?.textOf(token)) ?? reported;
  }

  /**
   * The tokens that a server omitted before the given one. For a character of several tokens,
   * llama.cpp's server reports only the last token, with the text of all. Empty if they cannot be
   * determined.
   */
  async omittedBefore({ id, text }: RemoteToken, reported: string): Promise<number[]> {
    // ASCII characters are never split into several tokens.
    if (id === undefined || text !== reported || !/[^\0-\x7f]/.test(text)) return [];
    const tokenizer = await this.#findTokenizer();
    if (tokenizer === undefined || (await tokenizer.textOf(id)) === text) return [];
    const request = { addSpecial: false, parseSpecial: undefined, continuation: true };
    const tokens = [...(await tokenizer.tokenize(text, request))];
    return tokens.pop() === id ? tokens : [];
  }
}
