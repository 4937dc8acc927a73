// Every token's text, score and attributes. `lib/model/model.ts` builds the table on first access,
// as a vocabulary may have hundreds of thousands of tokens.

import type { NativeTokenTable } from '../native/binding.js';

/** A token's text, score and attributes, as stored in the model's file. */
export interface TokenInfo {
  /** As stored: `▁` or `Ġ` for a space, bytes as the vocabulary encodes them. */
  text: string;
  /** The tokenizer's score; 0 if its type has no scores. */
  score: number;
  /** An ordinary text token. */
  normal: boolean;
  /** A control token, which stands for no text: BOS, EOS, a role marker. */
  control: boolean;
  /** A single byte: the fallback for text that no other token covers. */
  byte: boolean;
  /** Added by the model's author; matched in text before all other tokens. */
  userDefined: boolean;
  /** The unknown token: replaces text outside the vocabulary. */
  unknown: boolean;
  /** A reserved id without a meaning. */
  unused: boolean;
  /** Matched against normalized text. */
  normalized: boolean;
  /** Consumes the whitespace before it. */
  lstrip: boolean;
  /** Consumes the whitespace after it. */
  rstrip: boolean;
  /** Matched only as a whole word. */
  singleWord: boolean;
}

/** The flags of llama.cpp's `llama_token_attr`. */
const attributeBits = {
  unknown: 1 << 0,
  unused: 1 << 1,
  normal: 1 << 2,
  control: 1 << 3,
  userDefined: 1 << 4,
  byte: 1 << 5,
  normalized: 1 << 6,
  lstrip: 1 << 7,
  rstrip: 1 << 8,
  singleWord: 1 << 9,
} as const;

/** All tokens of a vocabulary. */
export class TokenTable {
  /** Token texts, by token id. */
  readonly texts: readonly string[];
  readonly #scores: Float32Array;
  readonly #attributes: Int32Array;

  constructor({ bytes, ends, scores, attributes }: NativeTokenTable) {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    this.texts = Object.freeze(
      Array.from(ends, (end, token) => decoder.decode(bytes.subarray(ends[token - 1] ?? 0, end))),
    );
    this.#scores = scores;
    this.#attributes = attributes;
  }

  /** A token's entry. The id must be in range. */
  at(token: number): TokenInfo {
    const attributes = this.#attributes[token] as number;
    const has = (name: keyof typeof attributeBits): boolean =>
      (attributes & attributeBits[name]) !== 0;
    return {
      text: this.texts[token] as string,
      score: this.#scores[token] as number,
      normal: has('normal'),
      control: has('control'),
      byte: has('byte'),
      userDefined: has('userDefined'),
      unknown: has('unknown'),
      unused: has('unused'),
      normalized: has('normalized'),
      lstrip: has('lstrip'),
      rstrip: has('rstrip'),
      singleWord: has('singleWord'),
    };
  }
}
