// Resolves vocabulary expressions and stops to sets of tokens of one model. Sets are kept with the
// vocabulary, so that an automaton that runs again costs nothing here.

import { createHash } from 'node:crypto';
import { raceAbort } from '../common/abort.js';
import { describe, wrongRange } from '../common/arguments.js';
import { addBit, bitsOf, combineBits, countBits, emptyBits, hasBit } from '../common/bits.js';
import { compileRegex } from '../regex/regex.js';
import type { Stop } from './actions.js';
import { eachChunk, type KnownTokens, knownTokens, type TokenSource } from './token-source.js';
import type { VocabularyExpression } from './vocabulary-expression.js';
import { namesIn } from './vocabulary-names.js';

/** A set of tokens: token n is bit n & 7 of byte n >> 3; ⌈vocabulary size / 8⌉ bytes. */
export type TokenSet = Uint8Array;

/** How many sets are kept for a vocabulary. */
const maxSets = 256;

/** What ends a text. */
export interface ResolvedStops {
  texts: readonly string[];
  /** Undefined if no token does. */
  tokens: TokenSet | undefined;
}

/** Resolves the expressions of one automaton for one LM. */
export class TokenSets {
  readonly #source: TokenSource;
  readonly #vocabularies: Readonly<Record<string, VocabularyExpression>>;
  readonly #signal: AbortSignal | undefined;
  /** Keys of the names that were resolved. */
  readonly #names = new Map<string, string>();
  readonly #keys = new Map<object, string>();
  #known: KnownTokens | undefined;

  /** @param vocabularies those of a valid automaton */
  constructor(
    source: TokenSource,
    vocabularies: Readonly<Record<string, VocabularyExpression>>,
    signal: AbortSignal | undefined,
  ) {
    this.#source = source;
    this.#vocabularies = vocabularies;
    this.#signal = signal;
  }

  /**
   * The tokens of an expression, which must not be changed. Undefined: all but control tokens.
   *
   * @param name what messages call the expression, such as `actions[1] 'pin'.vocabulary`
   * @throws RangeError for a set without tokens, and for ids that are not in the vocabulary
   */
  async vocabulary(expression: VocabularyExpression | undefined, name: string): Promise<TokenSet> {
    const known = await this.#tokens();
    const set = expression === undefined ? known.plain : await this.#resolve(expression, name);
    if (countBits(set) > 0) return set;
    throw wrongRange('a set with at least one token of this model', name, shown(expression));
  }

  /**
   * The stops of a completion. A control token that the model lacks is left out.
   *
   * @param name what messages call them, such as `actions[1] 'pin'.stop`
   * @throws as {@link vocabulary} does
   */
  async stops(stops: readonly Stop[], name: string): Promise<ResolvedStops> {
    const texts: string[] = [];
    let tokens: TokenSet | undefined;
    for (const [index, stop] of stops.entries()) {
      if (typeof stop === 'string') {
        texts.push(stop);
        continue;
      }
      const set =
        'tokens' in stop
          ? await this.vocabulary(stop.tokens, `${name}[${index}].tokens`)
          : await this.#control(stop.control);
      if (set === undefined) continue;
      tokens = tokens === undefined ? set : combineBits(tokens, set, (a, b) => a | b);
    }
    return { texts, tokens };
  }

  async #control(text: string): Promise<TokenSet | undefined> {
    const { size, plain } = await this.#tokens();
    const tokens = await raceAbort(this.#source.tokenizeSpecial(text), this.#signal);
    const isControl = tokens.length === 1 && !hasBit(plain, tokens[0] as number);
    return isControl ? bitsOf(tokens, size) : undefined;
  }

  async #tokens(): Promise<KnownTokens> {
    this.#known ??= await knownTokens(this.#source, this.#signal);
    return this.#known;
  }

  /** Resolves the names first that an expression refers to: chains of names may be long. */
  async #resolve(expression: VocabularyExpression, name: string): Promise<TokenSet> {
    const open: [VocabularyExpression, string, string?][] = [[expression, name]];
    for (;;) {
      const [next, field, own] = open.at(-1) as [VocabularyExpression, string, string?];
      const missing = [...namesIn(next, field)].find((each) => !this.#names.has(each.name));
      if (missing !== undefined) {
        const named = this.#vocabularies[missing.name] as VocabularyExpression;
        open.push([named, `vocabularies.${missing.name}`, missing.name]);
        continue;
      }
      const set = await this.#evaluate(next, field);
      if (own === undefined) return set;
      this.#names.set(own, this.#keyOf(next));
      open.pop();
    }
  }

  /** The tokens of an expression whose names are resolved. */
  async #evaluate(expression: VocabularyExpression, name: string): Promise<TokenSet> {
    const { sets } = await this.#tokens();
    const key = this.#keyOf(expression);
    const cached = sets.get(key);
    const set =
      cached ??
      (typeof expression === 'string'
        ? await this.#evaluate(
            this.#vocabularies[expression] as VocabularyExpression,
            `vocabularies.${expression}`,
          )
        : await this.#compute(expression, name));
    sets.delete(key);
    sets.set(key, set);
    for (const [oldest] of sets) {
      if (sets.size <= maxSets) break;
      sets.delete(oldest);
    }
    return set;
  }

  async #compute(
    expression: Exclude<VocabularyExpression, string>,
    name: string,
  ): Promise<TokenSet> {
    const { size, plain } = await this.#tokens();
    const all = async (parts: readonly VocabularyExpression[], kind: string) => {
      const found: TokenSet[] = [];
      for (const [index, part] of parts.entries()) {
        found.push(await this.#evaluate(part, `${name}.${kind}[${index}]`));
      }
      return found;
    };
    if ('tokens' in expression) {
      const lists = await raceAbort(this.#source.tokenize(expression.tokens), this.#signal);
      const tokens = lists.flatMap((list) => [...list]);
      return bitsOf(
        tokens.filter((token) => hasBit(plain, token)),
        size,
      );
    }
    if ('ids' in expression) {
      const beyond = expression.ids.findIndex((id) => id >= size);
      if (beyond < 0) return bitsOf(expression.ids, size);
      const what = `a token id below ${size}, the size of this model's vocabulary,`;
      throw wrongRange(what, `${name}.ids[${beyond}]`, expression.ids[beyond]);
    }
    if ('regex' in expression) return this.#search(expression.regex, `${name}.regex`);
    if ('complement' in expression) {
      const set = await this.#evaluate(expression.complement, `${name}.complement`);
      return combineBits(plain, set, (a, b) => a & ~b);
    }
    const or = (a: TokenSet, b: TokenSet) => combineBits(a, b, (x, y) => x | y);
    if ('union' in expression) return (await all(expression.union, 'union')).reduce(or);
    if ('intersect' in expression) {
      const sets = await all(expression.intersect, 'intersect');
      return sets.reduce((a, b) => combineBits(a, b, (x, y) => x & y));
    }
    const sets = await all(expression.difference, 'difference');
    return sets.reduce((a, b) => combineBits(a, b, (x, y) => x & ~y));
  }

  async #search(pattern: string, name: string): Promise<TokenSet> {
    const matcher = compileRegex(pattern, name);
    const { size, texts, plain } = await this.#tokens();
    const set = emptyBits(size);
    await eachChunk(size, this.#signal, (start, end) => {
      for (let token = start; token < end; token++) {
        if (hasBit(plain, token) && matcher.test(texts[token] as string)) addBit(set, token);
      }
    });
    return set;
  }

  /** The same for expressions that are the same set in any automaton. */
  #keyOf(expression: VocabularyExpression): string {
    if (typeof expression === 'string') return this.#names.get(expression) as string;
    const known = this.#keys.get(expression);
    if (known !== undefined) return known;
    const [[kind, value]] = Object.entries(expression) as [[string, unknown]];
    const keyOf = (part: VocabularyExpression): string => this.#keyOf(part);
    let parts = [value].flat();
    if (
      kind === 'union' ||
      kind === 'intersect' ||
      kind === 'difference' ||
      kind === 'complement'
    ) {
      parts = (parts as VocabularyExpression[]).map(keyOf);
    }
    if (kind !== 'difference') parts = [...new Set(parts)].sort();
    const key = createHash('sha256')
      .update(JSON.stringify([kind, parts]))
      .digest('base64');
    this.#keys.set(expression, key);
    return key;
  }
}

/** An expression as messages show it. */
function shown(expression: VocabularyExpression | undefined): unknown {
  if (typeof expression === 'string' || expression === undefined) return expression;
  const text = JSON.stringify(expression);
  return text.length <= 60 ? text : describe(expression);
}
