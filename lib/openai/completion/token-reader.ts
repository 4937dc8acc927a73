// The ids of the tokens that a server tells with what it writes. `transcript.ts` asks, token by
// token.

import type { RemoteToken } from '../http/logprobs.js';
import type { RemoteTokenizer } from '../tokenizer/tokenizer.js';

/** What stands for a token whose id nobody tells. */
export const unknownToken = -1;

/** Finds the ids of one completion's tokens. */
export class TokenReader {
  readonly #find: () => Promise<RemoteTokenizer | undefined>;

  /** @param find the tokenizer, undefined where there is none; asked only when it is needed */
  constructor(find: () => Promise<RemoteTokenizer | undefined>) {
    this.#find = find;
  }

  /** The id of a token; −1 where neither the server nor the tokenizer tells it. */
  async idOf({ id, text, bytes }: RemoteToken): Promise<number> {
    if (id !== undefined) return id;
    return (await (await this.#find())?.tokenOf({ text, bytes })) ?? unknownToken;
  }

  /** The text of a token, where a server may have left it empty, as llama.cpp's does special ones'. */
  async textOf(token: number, written: string): Promise<string> {
    if (written !== '' || token < 0) return written;
    return (await (await this.#find())?.textOf(token)) ?? written;
  }

  /**
   * The tokens that a server left out before one that it told: llama.cpp's tells only the last of
   * those that make up a character, with the text of all. None where that cannot be found out.
   */
  async leftOut({ id, text }: RemoteToken, written: string): Promise<number[]> {
    // ASCII characters are never cut.
    if (id === undefined || text !== written || !/[^\0-\x7f]/.test(text)) return [];
    const tokenizer = await this.#find();
    if (tokenizer === undefined || (await tokenizer.textOf(id)) === text) return [];
    const tokens = [
      ...(await tokenizer.tokenize(text, { addSpecial: false, parseSpecial: undefined })),
    ];
    return tokens.pop() === id ? tokens : [];
  }
}
