// Wraps a custom tokenizer and validates its results. `find-tokenizer.ts` creates it.

import { wrongType } from '../../common/arguments.js';
import type { TextTokenizer } from '../options.js';
import type { BareTokenizer, DetokenizeRequest, TokenizeRequest } from './tokenizer.js';

/** A custom tokenizer. */
export class OwnTokenizer implements BareTokenizer {
  readonly size = undefined;
  readonly contextSize = undefined;
  readonly endOfGeneration = new Int32Array(0);
  readonly sendsTokens = false;
  readonly #own: TextTokenizer;

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

  async detokenize(tokens: Int32Array, { special = false }: DetokenizeRequest) {
    const text: unknown = await this.#own.detokenize(tokens.slice(), { special });
    if (typeof text === 'string') return text;
    throw wrongType('a string', 'the result of tokenizer.detokenize', text);
  }
}
