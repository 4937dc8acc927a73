// Tokenizes the segments of a conversation. Special tokens are parsed in the text of the template
// or format only, never in message contents: a user who writes <|im_end|> gets the tokens of
// those characters. `Conversation` calls it.
//
// Models are trained on the tokenization of the whole text, so segments are tokenized together
// wherever that is safe, and separately around contents that spell a special token.

import { concatenateAll } from '../common/token-arrays.js';
import { Pace } from '../common/yield-to-event-loop.js';
import type { LM } from '../lm.js';
import type { Model } from '../model/model.js';
import type { Segment } from './segments.js';
import { TextTokens } from './text-tokens.js';

const equal = (a: Int32Array, b: Int32Array): boolean =>
  a.length === b.length && a.every((token, index) => token === b[index]);

/** Markup of the template that the vocabulary lists as ordinary tokens, by token. */
type Structural = ReadonlyMap<number, string>;

/** Segments that are tokenized together, or one content that cannot be. */
interface Group {
  segments: Segment[];
  isHarmless: boolean;
}

/** Tokenizes conversations for one LM. */
export class TokenRenderer {
  readonly #model: Model | undefined;
  readonly #texts: TextTokens;

  /** @param model the LM's model, if any: the source of vocabulary facts */
  constructor(lm: LM, model: Model | undefined) {
    this.#model = model;
    this.#texts = new TextTokens(lm);
  }

  /** The tokens of a conversation, with one BOS token if the model expects one, never two. */
  async render(
    segments: readonly Segment[],
    bosText: string,
    signal?: AbortSignal,
  ): Promise<Int32Array> {
    const rendering = new Rendering(this.#texts, this.#model, signal);
    return rendering.run(withoutSpaceBeforeBos(segments, bosText));
  }

  /** The tokens of segments that continue a conversation, whose tokens stay as they are. */
  renderContinuation(segments: readonly Segment[], signal?: AbortSignal): Promise<Int32Array> {
    return new Rendering(this.#texts, this.#model, signal).join(segments, true);
  }

  /** The control token that a text spells, if the text is exactly that token. */
  async controlToken(text: string): Promise<number | undefined> {
    if (this.#model === undefined) return undefined;
    const parsing = { parseSpecial: true, continuation: false };
    const [token, ...others] = await this.#texts.one(text, parsing);
    if (token === undefined || others.length > 0) return undefined;
    return this.#model.tokenBytes(token).length === 0 ? token : undefined;
  }
}

/** The tokenization of one conversation. */
class Rendering {
  readonly #texts: TextTokens;
  readonly #model: Model | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #pace: Pace;
  /** Whether a token is special, by token. */
  readonly #special = new Map<number, boolean>();
  #structural: Structural = new Map();

  constructor(texts: TextTokens, model: Model | undefined, signal: AbortSignal | undefined) {
    this.#texts = texts;
    this.#model = model;
    this.#signal = signal;
    this.#pace = new Pace(signal);
  }

  /** The tokens of a conversation. */
  async run(segments: readonly Segment[]): Promise<Int32Array> {
    return this.#withEnd(this.#withOneBos(await this.join(segments, false)));
  }

  /** The tokens of segments, without those that begin and end a conversation. */
  async join(segments: readonly Segment[], continuation: boolean): Promise<Int32Array> {
    const own = distinctTexts(segments, false);
    const ownTokens = await this.#tokenize(own, true, false);
    this.#structural = this.#findStructural(ownTokens);
    const specials = new Map<string, number>();
    for (const [index, text] of own.entries()) {
      specials.set(text, await this.#countSpecial(ownTokens[index] as Int32Array));
    }
    const groups = await this.#group(segments);
    const parts: Int32Array[] = [];
    for (const [index, group] of groups.entries()) {
      const follows = continuation || index > 0;
      if (group.isHarmless) parts.push(...(await this.#runTokens(group, specials, follows)));
      else parts.push(await this.#contentTokens(group.segments[0]?.text ?? '', follows));
      if (this.#pace.isDue) await this.#pace.pause();
    }
    return concatenateAll(parts);
  }

  #tokenize(
    texts: readonly string[],
    parseSpecial: boolean,
    continuation: boolean,
  ): Promise<Int32Array[]> {
    return this.#texts.all(texts, { parseSpecial, continuation }, this.#signal);
  }

  #bytes(token: number): Uint8Array {
    return this.#model?.tokenBytes(token) ?? new Uint8Array(0);
  }

  /** Whether a token is a control token or a structural one. */
  #isSpecial(token: number): boolean {
    const known = this.#special.get(token);
    if (known !== undefined) return known;
    const isControl = this.#model !== undefined && this.#bytes(token).length === 0;
    const isSpecial = isControl || this.#structural.has(token);
    this.#special.set(token, isSpecial);
    return isSpecial;
  }

  async #countSpecial(tokens: Int32Array): Promise<number> {
    let count = 0;
    for (const [index, token] of tokens.entries()) {
      if (this.#isSpecial(token)) count++;
      if (index % 4096 === 4095 && this.#pace.isDue) await this.#pace.pause();
    }
    return count;
  }

  /**
   * Markup of the template that the vocabulary lists as ordinary tokens rather than control
   * tokens, such as <start_of_turn> in some models. A tokenizer finds these in contents even
   * without `parseSpecial`, unless their text is broken up.
   */
  #findStructural(ownTokens: readonly Int32Array[]): Map<number, string> {
    const found = new Map<number, string>();
    if (this.#model === undefined) return found;
    const seen = new Set<number>();
    for (const tokens of ownTokens) for (const token of tokens) seen.add(token);
    for (const token of seen) {
      const word = Buffer.from(this.#bytes(token)).toString();
      if (/^[<[]\S+[>\]]$/u.test(word)) found.set(token, word);
    }
    return found;
  }

  /** Joins the segments up to the next content that must be tokenized separately. */
  async #group(segments: readonly Segment[]): Promise<Group[]> {
    const harmless = await this.#harmless(distinctTexts(segments, true));
    const groups: Group[] = [];
    for (const segment of segments) {
      const isHarmless = !segment.content || harmless.has(segment.text);
      const last = groups.at(-1);
      if (isHarmless && last?.isHarmless) last.segments.push(segment);
      else groups.push({ segments: [segment], isHarmless });
    }
    return groups;
  }

  /**
   * The contents that have the same tokens with and without `parseSpecial`, and no structural ones.
   * Without a vocabulary that is unknown: none.
   */
  async #harmless(contents: readonly string[]): Promise<Set<string>> {
    const found = new Set<string>();
    if (this.#model === undefined) return found;
    const plain = await this.#tokenize(contents, false, false);
    const parsed = await this.#tokenize(contents, true, false);
    for (const [index, text] of contents.entries()) {
      const tokens = plain[index] as Int32Array;
      const isPlain = !tokens.some((token) => this.#structural.has(token));
      if (isPlain && equal(tokens, parsed[index] as Int32Array)) found.add(text);
      if (this.#pace.isDue) await this.#pace.pause();
    }
    return found;
  }

  async #contentTokens(text: string, follows: boolean): Promise<Int32Array> {
    const [plain = new Int32Array(0)] = await this.#tokenize([text], false, follows);
    const words = new Set(plain.filter((token) => this.#structural.has(token)));
    if (words.size === 0) return plain;
    const [first = '', ...others] = breakUp(
      text,
      [...words].map((token) => this.#structural.get(token) as string),
    );
    return concatenateAll([
      ...(await this.#tokenize([first], false, follows)),
      ...(await this.#tokenize(others, false, true)),
    ]);
  }

  /**
   * Tokenizes a run of harmless segments as one text, unless joining them creates a special token
   * across a segment boundary; then one by one.
   */
  async #runTokens(
    { segments }: Group,
    specials: ReadonlyMap<string, number>,
    follows: boolean,
  ): Promise<Int32Array[]> {
    const text = segments.map((segment) => segment.text).join('');
    const joined = await this.#tokenize([text], true, follows);
    let expected = 0;
    for (const segment of segments) {
      if (!segment.content) expected += specials.get(segment.text) ?? 0;
    }
    if ((await this.#countSpecial(joined[0] as Int32Array)) === expected) return joined;
    const separate: Int32Array[] = [];
    const first = segments[0] as Segment;
    separate.push(...(await this.#tokenize([first.text], !first.content, follows)));
    const rest = segments.slice(1);
    const [contents, own] = [distinctTexts(rest, true), distinctTexts(rest, false)];
    const contentTokens = await this.#tokenize(contents, false, true);
    const ownTokens = await this.#tokenize(own, true, true);
    const byText = new Map(contents.map((each, index) => [each, contentTokens[index]]));
    const ownByText = new Map(own.map((each, index) => [each, ownTokens[index]]));
    for (const segment of rest) {
      const tokens = (segment.content ? byText : ownByText).get(segment.text);
      separate.push(tokens as Int32Array);
    }
    return separate;
  }

  /** With the EOS token that an encoder expects at the end of what it reads. */
  #withEnd(tokens: Int32Array): Int32Array {
    const { info, vocab } = this.#model ?? {};
    const { eos, addEos } = vocab ?? {};
    if (!info?.encoderDecoder || !addEos || eos === undefined) return tokens;
    return tokens.at(-1) === eos ? tokens : concatenateAll([tokens, Int32Array.of(eos)]);
  }

  #withOneBos(tokens: Int32Array): Int32Array {
    const { bos, addBos } = this.#model?.vocab ?? { bos: undefined, addBos: false };
    if (bos === undefined) return tokens;
    let start = 0;
    while (tokens[start] === bos && tokens[start + 1] === bos) start++;
    if (addBos && tokens[start] !== bos) return concatenateAll([Int32Array.of(bos), tokens]);
    return tokens.subarray(start);
  }
}

/** The texts of the contents, or of the segments between them, each once. */
const distinctTexts = (segments: readonly Segment[], content: boolean): string[] => [
  ...new Set(segments.filter((each) => each.content === content).map(({ text }) => text)),
];

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
