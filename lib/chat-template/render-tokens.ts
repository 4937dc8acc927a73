// Tokenizes the segments of a conversation. Special tokens are parsed in the text of the template
// or format only, never in message contents: a user who writes <|im_end|> gets the tokens of
// those characters. `Conversation` calls it.
//
// Models are trained on the tokenization of the whole text, so segments are tokenized together
// wherever that is safe, and separately around contents that spell a special token.

import { concatenate, concatenateAll } from '../common/token-arrays.js';
import type { LM } from '../lm.js';
import type { Model } from '../model/model.js';
import type { Segment } from './segments.js';

/** The cache of tokenized texts is cleared when it grows beyond this many entries. */
const maxCached = 4096;

const equal = (a: Int32Array, b: Int32Array): boolean =>
  a.length === b.length && a.every((token, index) => token === b[index]);

/** Tokenizes conversations for one LM. */
export class TokenRenderer {
  readonly #lm: LM;
  readonly #model: Model | undefined;
  readonly #cache = new Map<string, Promise<Int32Array>>();

  /** @param model the LM's model, if any: the source of vocabulary facts */
  constructor(lm: LM, model: Model | undefined) {
    this.#lm = lm;
    this.#model = model;
  }

  /** The tokens of a conversation, with one BOS token if the model expects one, never two. */
  async render(segments: readonly Segment[], bosText: string): Promise<Int32Array> {
    if (this.#cache.size > maxCached) this.#cache.clear();
    const pieces = withoutSpaceBeforeBos(segments, bosText);
    const structural = await this.#structuralTokens(pieces);
    const parts: Int32Array[] = [];
    let run: Segment[] = [];
    const flush = async (): Promise<void> => {
      if (run.length > 0) parts.push(...(await this.#runTokens(run, structural, parts.length > 0)));
      run = [];
    };
    for (const segment of pieces) {
      if (!segment.content || (await this.#isHarmless(segment.text, structural))) {
        run.push(segment);
      } else {
        await flush();
        parts.push(await this.#contentTokens(segment.text, structural, parts.length > 0));
      }
    }
    await flush();
    return this.#withEnd(this.#withOneBos(concatenateAll(parts)));
  }

  /** The control token that a text spells, if the text is exactly that token. */
  async controlToken(text: string): Promise<number | undefined> {
    if (this.#model === undefined) return undefined;
    const [token, ...others] = await this.#tokenize(text, true);
    if (token === undefined || others.length > 0) return undefined;
    return this.#isControl(token) ? token : undefined;
  }

  /** @param continuation whether the text follows another one */
  #tokenize(text: string, parseSpecial: boolean, continuation = false): Promise<Int32Array> {
    const key = `${parseSpecial ? 1 : 0}${continuation ? 1 : 0}${text}`;
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const tokens = this.#lm.tokenize(text, { parseSpecial, continuation });
    this.#cache.set(key, tokens);
    tokens.catch(() => this.#cache.delete(key));
    return tokens;
  }

  #bytes(token: number): Uint8Array {
    return this.#model?.tokenBytes(token) ?? new Uint8Array(0);
  }

  #isControl(token: number): boolean {
    return this.#model !== undefined && this.#bytes(token).length === 0;
  }

  /**
   * Markup of the template that the vocabulary lists as ordinary tokens rather than control
   * tokens, such as <start_of_turn> in some models. A tokenizer finds these in contents even
   * without `parseSpecial`, unless their text is broken up.
   */
  async #structuralTokens(segments: readonly Segment[]): Promise<Map<number, string>> {
    const found = new Map<number, string>();
    if (this.#model === undefined) return found;
    for (const { text, content } of segments) {
      if (content) continue;
      for (const token of await this.#tokenize(text, true)) {
        if (found.has(token)) continue;
        const word = Buffer.from(this.#bytes(token)).toString();
        if (/^[<[]\S+[>\]]$/u.test(word)) found.set(token, word);
      }
    }
    return found;
  }

  /**
   * Whether a content has the same tokens with and without `parseSpecial`, and no structural ones.
   * Without a vocabulary that is unknown: false.
   */
  async #isHarmless(text: string, structural: ReadonlyMap<number, string>): Promise<boolean> {
    if (this.#model === undefined) return false;
    const plain = await this.#tokenize(text, false);
    if (plain.some((token) => structural.has(token))) return false;
    return equal(plain, await this.#tokenize(text, true));
  }

  async #contentTokens(
    text: string,
    structural: ReadonlyMap<number, string>,
    follows: boolean,
  ): Promise<Int32Array> {
    const plain = await this.#tokenize(text, false, follows);
    const words = new Set(plain.filter((token) => structural.has(token)));
    if (words.size === 0) return plain;
    const parts: Int32Array[] = [];
    for (const piece of breakUp(
      text,
      [...words].map((token) => structural.get(token) as string),
    )) {
      parts.push(await this.#tokenize(piece, false, follows || parts.length > 0));
    }
    return concatenateAll(parts);
  }

  /**
   * Tokenizes a run of harmless segments as one text, unless joining them creates a special token
   * across a segment boundary; then one by one.
   */
  async #runTokens(
    run: readonly Segment[],
    structural: ReadonlyMap<number, string>,
    follows: boolean,
  ): Promise<Int32Array[]> {
    const text = run.map((segment) => segment.text).join('');
    const joined = await this.#tokenize(text, true, follows);
    const countSpecial = (tokens: Int32Array): number =>
      tokens.filter((token) => this.#isControl(token) || structural.has(token)).length;
    let expected = 0;
    const separate: Int32Array[] = [];
    for (const [index, segment] of run.entries()) {
      if (!segment.content) expected += countSpecial(await this.#tokenize(segment.text, true));
      const parseSpecial = !segment.content;
      separate.push(await this.#tokenize(segment.text, parseSpecial, follows || index > 0));
    }
    return countSpecial(joined) === expected ? [joined] : separate;
  }

  /** With the EOS token that an encoder expects at the end of what it reads. */
  #withEnd(tokens: Int32Array): Int32Array {
    const { info, vocab } = this.#model ?? {};
    const { eos, addEos } = vocab ?? {};
    if (!info?.encoderDecoder || !addEos || eos === undefined) return tokens;
    return tokens.at(-1) === eos ? tokens : Int32Array.of(...tokens, eos);
  }

  #withOneBos(tokens: Int32Array): Int32Array {
    const { bos, addBos } = this.#model?.vocab ?? { bos: undefined, addBos: false };
    if (bos === undefined) return tokens;
    let start = 0;
    while (tokens[start] === bos && tokens[start + 1] === bos) start++;
    if (addBos && tokens[start] !== bos) return concatenate(Int32Array.of(bos), tokens);
    return tokens.subarray(start);
  }
}

/** Splits a text after the first character of each occurrence of the words. */
function breakUp(text: string, words: readonly string[]): string[] {
  const cuts = new Set<number>();
  for (const word of words) {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) cuts.add(at + 1);
  }
  const bounds = [0, ...[...cuts].sort((a, b) => a - b), text.length];
  return bounds.slice(1).map((end, index) => text.slice(bounds[index], end));
}

/** Removes whitespace that a template renders before its BOS token. */
function withoutSpaceBeforeBos(segments: readonly Segment[], bosText: string): readonly Segment[] {
  const [first, ...rest] = segments;
  if (first === undefined || first.content || bosText === '') return segments;
  const text = first.text.trimStart();
  return text.startsWith(bosText) ? [{ ...first, text }, ...rest] : segments;
}
