// A conversation's segments as token ids. Special tokens are read in what the template or
// format wrote, and in no message's content: a user who writes <|im_end|> gets the tokens of
// that text. Threads prompt with these ids.
//
// What the model was trained on is the tokens of the whole text, so segments are tokenized
// together wherever that is safe, and apart around contents that spell a special token.

import type { LM } from '../lm.js';
import type { Model } from '../model/model.js';
import type { Segment } from './segments.js';

/** Contents that were looked at, with their tokens; forgotten when there are many. */
const mostKept = 4096;

/** A character that no token joins to what follows it. */
const guard = '\u0001';

const equal = (a: Int32Array, b: Int32Array): boolean =>
  a.length === b.length && a.every((token, index) => token === b[index]);

const concatenate = (parts: readonly Int32Array[]): Int32Array =>
  Int32Array.from(parts.flatMap((part) => Array.from(part)));

/** Tokenizes conversations for one LM. */
export class TokenRenderer {
  readonly #lm: LM;
  readonly #model: Model | undefined;
  readonly #kept = new Map<string, Promise<Int32Array>>();
  #guarded: Promise<Int32Array | undefined> | undefined;

  /** @param model the LM's own, where it has one: what is known of its vocabulary */
  constructor(lm: LM, model: Model | undefined) {
    this.#lm = lm;
    this.#model = model;
  }

  /** The tokens of a conversation, with a beginning token where the model wants one, never two. */
  async render(segments: readonly Segment[], bosText: string): Promise<Int32Array> {
    if (this.#kept.size > mostKept) this.#kept.clear();
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
    return this.#withOneBos(concatenate(parts));
  }

  /** The control token that a text spells, if it spells one and nothing else. */
  async controlToken(text: string): Promise<number | undefined> {
    if (this.#model === undefined) return undefined;
    const [token, ...others] = await this.#tokenize(text, true);
    if (token === undefined || others.length > 0) return undefined;
    return this.#isControl(token) ? token : undefined;
  }

  #tokenize(text: string, parseSpecial: boolean): Promise<Int32Array> {
    const key = `${parseSpecial ? 1 : 0}${text}`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const tokens = this.#lm.tokenize(text, { addSpecial: false, parseSpecial });
    this.#kept.set(key, tokens);
    tokens.catch(() => this.#kept.delete(key));
    return tokens;
  }

  /**
   * The tokens of a text that goes on from another: tokenizers that put a space in front of
   * every text must not do so here.
   */
  async #continue(text: string, parseSpecial: boolean, continues: boolean): Promise<Int32Array> {
    const lead = continues ? await this.#guardTokens() : undefined;
    if (lead === undefined) return this.#tokenize(text, parseSpecial);
    const tokens = await this.#lm.tokenize(guard + text, { addSpecial: false, parseSpecial });
    return equal(tokens.subarray(0, lead.length), lead)
      ? tokens.slice(lead.length)
      : this.#tokenize(text, parseSpecial);
  }

  /** The guard's tokens, if this tokenizer puts spaces in front of texts. */
  #guardTokens(): Promise<Int32Array | undefined> {
    this.#guarded ??= this.#tokenize('a', false).then((tokens) => {
      const bytes = Array.from(tokens, (token) => this.#bytes(token).length);
      const length = bytes.reduce((sum, count) => sum + count, 0);
      return length > 1 ? this.#tokenize(guard, false) : undefined;
    });
    return this.#guarded;
  }

  #bytes(token: number): Uint8Array {
    return this.#model?.tokenBytes(token) ?? new Uint8Array(0);
  }

  #isControl(token: number): boolean {
    return this.#model !== undefined && this.#bytes(token).length === 0;
  }

  /**
   * The tokens, no control tokens, that the template's own text has as its marks, such as
   * <start_of_turn> where the vocabulary calls that an ordinary token. A tokenizer reads them in
   * contents, too, unless they are broken up.
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

  /** Whether a content has the same tokens however it is read. Not known without a vocabulary. */
  async #isHarmless(text: string, structural: ReadonlyMap<number, string>): Promise<boolean> {
    if (this.#model === undefined) return false;
    const plain = await this.#tokenize(text, false);
    if (plain.some((token) => structural.has(token))) return false;
    return equal(plain, await this.#tokenize(text, true));
  }

  async #contentTokens(
    text: string,
    structural: ReadonlyMap<number, string>,
    continues: boolean,
  ): Promise<Int32Array> {
    const plain = await this.#continue(text, false, continues);
    const words = new Set(plain.filter((token) => structural.has(token)));
    if (words.size === 0) return plain;
    const parts: Int32Array[] = [];
    for (const piece of breakUp(
      text,
      [...words].map((token) => structural.get(token) as string),
    )) {
      parts.push(await this.#continue(piece, false, continues || parts.length > 0));
    }
    return concatenate(parts);
  }

  /** A run of harmless segments, as one text, unless a special token has come of their seams. */
  async #runTokens(
    run: readonly Segment[],
    structural: ReadonlyMap<number, string>,
    continues: boolean,
  ): Promise<Int32Array[]> {
    const text = run.map((segment) => segment.text).join('');
    const joined = await this.#continue(text, true, continues);
    const special = (tokens: Int32Array): number =>
      tokens.filter((token) => this.#isControl(token) || structural.has(token)).length;
    let expected = 0;
    const apart: Int32Array[] = [];
    for (const [index, segment] of run.entries()) {
      if (!segment.content) expected += special(await this.#tokenize(segment.text, true));
      const follows = continues || index > 0;
      apart.push(await this.#continue(segment.text, !segment.content, follows));
    }
    return special(joined) === expected ? [joined] : apart;
  }

  #withOneBos(tokens: Int32Array): Int32Array {
    const { bos, addBos } = this.#model?.vocab ?? { bos: undefined, addBos: false };
    if (bos === undefined) return tokens;
    let start = 0;
    while (tokens[start] === bos && tokens[start + 1] === bos) start++;
    if (addBos && tokens[start] !== bos) return Int32Array.of(bos, ...tokens);
    return tokens.subarray(start);
  }
}

/** A text cut inside of each of the words, after their first characters. */
function breakUp(text: string, words: readonly string[]): string[] {
  const cuts = new Set<number>();
  for (const word of words) {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) cuts.add(at + 1);
  }
  const places = [0, ...[...cuts].sort((a, b) => a - b), text.length];
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}

/** Line ends that a template leaves in front of its beginning token are no part of a prompt. */
function withoutSpaceBeforeBos(segments: readonly Segment[], bosText: string): readonly Segment[] {
  const [first, ...rest] = segments;
  if (first === undefined || first.content || bosText === '') return segments;
  const text = first.text.trimStart();
  return text.startsWith(bosText) ? [{ ...first, text }, ...rest] : segments;
}
