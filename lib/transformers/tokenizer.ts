// A Hugging Face tokenizer with this package's semantics: a text that spells a control token stays
// text unless `parseSpecial` is set. TfLM uses it.

import { findGuardSync, type Guard, tokenizeContinuationSync } from '../common/continuation.js';
import { concatenate } from '../common/token-arrays.js';
import type { PeerTokenizer, TokenizerJson } from './peer.js';

type Entry = readonly [string, number];

/** A name that no text can match: well-formed text contains no lone surrogates. */
const hidden = (id: number): string => `\ud800${id}`;

/** Renames the control tokens of tokenizer.json so that no text spells one. */
function withoutControls(json: TokenizerJson): TokenizerJson {
  const controls = new Map(
    json.added_tokens.flatMap(({ id, content, special }) =>
      special ? [[content, id]] : [],
    ) as Entry[],
  );
  const rename = (text: string): string => {
    const id = controls.get(text);
    return id === undefined ? text : hidden(id);
  };
  const { vocab, unk_token: unknown } = json.model;
  const renamed = Array.isArray(vocab)
    ? vocab.map(([piece, score]: Entry) => [rename(piece), score] as const)
    : Object.fromEntries(Object.entries(vocab).map(([piece, id]) => [rename(piece), id as number]));
  return {
    ...json,
    added_tokens: json.added_tokens.filter(({ special }) => !special),
    model: {
      ...json.model,
      vocab: renamed,
      ...(typeof unknown === 'string' ? { unk_token: rename(unknown) } : {}),
    },
  };
}

/** GPT-2's mapping from printable characters to bytes, which byte-level tokenizers use. */
function bytesByCharacter(): ReadonlyMap<string, number> {
  const isPrintable = (byte: number): boolean =>
    (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  const bytes = new Map<string, number>();
  let others = 256;
  for (let byte = 0; byte < 256; byte++) {
    bytes.set(String.fromCharCode(isPrintable(byte) ? byte : others++), byte);
  }
  return bytes;
}

const isByteLevel = ({ decoder }: TokenizerJson): boolean =>
  decoder?.type === 'ByteLevel' ||
  decoder?.decoders?.every(({ type }) => type === 'ByteLevel') === true;

/** Converts text to tokens and back. */
export class Tokenizer {
  readonly #full: PeerTokenizer;
  readonly #plain: PeerTokenizer;
  readonly #controls: ReadonlySet<number>;
  readonly #known: ReadonlySet<number>;
  /** The bytes of each token; undefined unless the tokenizer is byte-level. */
  readonly #bytes: ReadonlyMap<number, Uint8Array> | undefined;
  #guard: { found: Guard | undefined } | undefined;
  readonly #before: readonly number[];
  readonly #after: readonly number[];

  constructor(full: PeerTokenizer) {
    const json = full._tokenizerJSON;
    this.#full = full;
    const PeerClass = full.constructor as new (
      json: TokenizerJson,
      config: unknown,
    ) => PeerTokenizer;
    this.#plain = new PeerClass(withoutControls(json), full.config);
    const controls = json.added_tokens.filter(({ special }) => special);
    this.#controls = new Set(controls.map(({ id }) => id));
    const vocabulary = full.get_vocab();
    this.#known = new Set(vocabulary.values());
    this.#bytes = isByteLevel(json) ? bytesOf(json, vocabulary) : undefined;
    const bare = full.encode('a', { add_special_tokens: false });
    const whole = full.encode('a', { add_special_tokens: true });
    const start = indexOf(bare, whole);
    this.#before = whole.slice(0, start);
    this.#after = whole.slice(start + bare.length);
  }

  /**
   * The tokens of a text.
   *
   * @param around which of the tokenizer's special tokens to add: none, those before the text, or
   * also those after it
   * @param parseSpecial whether text that spells a control token becomes that token
   */
  tokenize(text: string, around: 'none' | 'before' | 'both', parseSpecial: boolean): Int32Array {
    const wellFormed = Buffer.from(text).toString();
    const tokenizer = parseSpecial ? this.#full : this.#plain;
    const tokens = tokenizer.encode(wellFormed, { add_special_tokens: false });
    if (around === 'none') return Int32Array.from(tokens);
    const after = around === 'both' ? this.#after : [];
    return Int32Array.from([...this.#before, ...tokens, ...after]);
  }

  /** The tokens of a text that continues another. */
  tokenizeContinuation(text: string, parseSpecial: boolean): Int32Array {
    const tokenize = (some: string) => this.tokenize(some, 'none', parseSpecial);
    return tokenizeContinuationSync(tokenize, this.#findGuard(), text);
  }

  /** The text that tokens add to another; control tokens are included only with `special`. */
  detokenizeContinuation(tokens: Int32Array, special: boolean): string {
    const guard = this.#bytes === undefined ? this.#findGuard() : undefined;
    if (guard === undefined || tokens.length === 0) return this.detokenize(tokens, special);
    const head = this.detokenize(guard.tokens, special);
    const text = this.detokenize(concatenate(guard.tokens, tokens), special);
    return text.startsWith(head) ? text.slice(head.length) : this.detokenize(tokens, special);
  }

  /** The text of tokens; control tokens are included only with `special`. */
  detokenize(tokens: Int32Array, special: boolean): string {
    const isText = (token: number): boolean =>
      this.#known.has(token) && (special || !this.#controls.has(token));
    const shown = Array.from(tokens.filter(isText));
    if (shown.length === 0) return '';
    const bytes = this.#bytes;
    if (bytes === undefined) {
      const options = { skip_special_tokens: false, clean_up_tokenization_spaces: false };
      return this.#full.decode(shown, options);
    }
    return Buffer.concat(shown.map((token) => bytes.get(token) ?? new Uint8Array(0))).toString();
  }

  #findGuard(): Guard | undefined {
    this.#guard ??= { found: findGuardSync((text) => this.tokenize(text, 'none', false)) };
    return this.#guard.found;
  }
}

function bytesOf(
  json: TokenizerJson,
  vocabulary: ReadonlyMap<string, number>,
): ReadonlyMap<number, Uint8Array> {
  const byCharacter = bytesByCharacter();
  const added = new Set(json.added_tokens.map(({ id }) => id));
  const bytes = new Map<number, Uint8Array>();
  for (const [text, id] of vocabulary) {
    const own = Array.from(text, (character) => byCharacter.get(character));
    const isByteLevelText = !added.has(id) && own.every((byte) => byte !== undefined);
    bytes.set(id, isByteLevelText ? Uint8Array.from(own as number[]) : Buffer.from(text));
  }
  return bytes;
}

/** The index at which `bare` occurs in `whole`; 0 if it does not. */
function indexOf(bare: readonly number[], whole: readonly number[]): number {
  for (let start = 0; start + bare.length <= whole.length; start++) {
    if (bare.every((token, index) => whole[start + index] === token)) return start;
  }
  return 0;
}
