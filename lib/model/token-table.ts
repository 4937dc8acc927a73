// What a model's file says of each token: read when first asked for, as a vocabulary may have
// hundreds of thousands. `lib/model/model.ts` keeps one.

import type { NativeTokenTable } from '../native/binding.js';

/** What a model's file says of a token. */
export interface TokenInfo {
  /** As the file writes it: with `▁` or `Ġ` for a space, bytes as their vocabulary has them. */
  text: string;
  /** As the tokenizer was trained; 0 where its kind has no scores. */
  score: number;
  /** An ordinary piece of text. */
  normal: boolean;
  /** No text, but a sign: the beginning, the end, a role. */
  control: boolean;
  /** A single byte, for what no other token writes. */
  byte: boolean;
  /** Added by whoever made the model; matched in text before all others. */
  userDefined: boolean;
  /** Stands for what the vocabulary cannot write. */
  unknown: boolean;
  /** Has an id and no meaning. */
  unused: boolean;
  /** Matched in text that is normalised first. */
  normalized: boolean;
  /** Takes the spaces before it along. */
  lstrip: boolean;
  /** Takes the spaces after it along. */
  rstrip: boolean;
  /** Matched as a whole word only. */
  singleWord: boolean;
}

/** The bits of llama.cpp's `llama_token_attr`. */
const bits = {
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
  /** Their texts, by token id. */
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

  /** What there is to know of a token, which must be one of the table. */
  at(token: number): TokenInfo {
    const attributes = this.#attributes[token] as number;
    const has = (name: keyof typeof bits): boolean => (attributes & bits[name]) !== 0;
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
