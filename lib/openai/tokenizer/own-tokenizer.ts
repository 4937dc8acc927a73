// Wraps a custom tokenizer and validates its results. `find-tokenizer.ts` creates it.

import { wrongType } from '../../common/arguments.js';
import type { TextTokenizer } from '../options.js';
import { bytesOfText, type RemoteTokenizer, type TokenizeRequest } from './tokenizer.js';

/** A custom tokenizer. */
export class OwnTokenizer implements RemoteTokenizer {
  readonly size = undefined;
  readonly contextSize = undefined;
  readonly endOfGeneration = new Int32Array(0);
  readonly sendsTokens = false;
  readonly #own: TextTokenizer;
  readonly #texts = new Map<number, string>();
  readonly #tokens = new Map<string, number | undefined>();

  constructor(own: TextTokenizer) {
    this.#own = own;
  }

  async tokenize(text: string, { addSpecial, parseSpecial = false }: TokenizeRequest) {
    const tokens = await this.#own.tokenize(text, { addSpecial, parseSpecial });
    const isList = typeof tokens === 'object' && tokens !== null && 'length' in tokens;
    if (!isList) throw wrongType('a list of token ids', 'the result of tokenizer.tokenize', tokens);
    return Int32Array.from(tokens, (token: unknown) => {
      if (Number.isInteger(token) && (token as number) >= 0) return token as number;
      throw wrongType('token ids', 'the result of tokenizer.tokenize', token);
    });
  }

  async detokenize(tokens: Int32Array, { special = false }: { special: boolean | undefined }) {
    const text: unknown = await this.#own.detokenize(tokens.slice(), { special });
    if (typeof text === 'string') return text;
    throw wrongType('a string', 'the result of tokenizer.detokenize', text);
  }

  async textOf(token: number): Promise<string> {
    const known = this.#texts.get(token);
    if (known !== undefined) return known;
    const text = await this.detokenize(Int32Array.of(token), { special: true });
    this.#texts.set(token, text);
    return text;
  }

  async bytesOf(token: number): Promise<Uint8Array | undefined> {
    return bytesOfText(await this.textOf(token));
  }

  async tokenOf({ text }: { text: string }): Promise<number | undefined> {
    if (!this.#tokens.has(text)) {
      const tokens = await this.tokenize(text, { addSpecial: false, parseSpecial: true });
      this.#tokens.set(text, tokens.length === 1 ? tokens[0] : undefined);
    }
    return this.#tokens.get(text);
  }
}
