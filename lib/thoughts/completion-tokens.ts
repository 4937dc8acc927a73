// The sets of tokens of a completion: those that it may have, and those that end it. `plan.ts` calls
// it.

import type { Automaton } from '../automaton/automaton.js';
import type { ResolvedComplete } from '../automaton/resolve-action.js';
import { type TokenSet, TokenSets } from '../automaton/token-sets.js';
import { eachChunk, knownTokens, type TokenSource } from '../automaton/token-source.js';
import { raceAbort } from '../common/abort.js';
import { wrongRange } from '../common/arguments.js';
import { addBit, bitsOf, combineBits, emptyBits, hasBit } from '../common/bits.js';

/** The stops and allowed tokens of a completion. */
export interface CompletionTokens {
  stops: readonly string[];
  /** Tokens that end the text. */
  stopTokens: TokenSet | undefined;
  /** The tokens that may be generated, with stop tokens and ends of generation; undefined: all. */
  allowed: TokenSet | undefined;
}

const union = (a: TokenSet, b: TokenSet): TokenSet => combineBits(a, b, (x, y) => x | y);

/**
 * Resolves the sets of a completion.
 *
 * @throws RangeError for a set without tokens, and for a stop text that the allowed tokens cannot
 * produce
 */
export async function resolveTokens(
  source: TokenSource,
  { vocabularies }: Automaton,
  { stop, vocabulary }: ResolvedComplete,
  name: string,
  signal: AbortSignal | undefined,
): Promise<CompletionTokens> {
  const sets = new TokenSets(source, vocabularies, signal);
  const { texts, tokens: stopTokens } = await sets.stops(stop, `${name}.stop`);
  if (vocabulary === undefined) return { stops: texts, stopTokens, allowed: undefined };
  const own = await sets.vocabulary(vocabulary, `${name}.vocabulary`);
  const { size, texts: tokenTexts } = await knownTokens(source, signal);
  // A stop of one token is allowed, as is every token that stops.
  const lists = await raceAbort(Promise.resolve(source.tokenize(texts)), signal);
  const singles = lists.flatMap((list) => (list.length === 1 ? [...list] : []));
  const extra = union(bitsOf([...singles, ...source.endOfGeneration], size), stopTokens ?? own);
  const allowed = union(own, extra);
  for (const [index, text] of texts.entries()) {
    if (await canProduce(allowed, tokenTexts, text, signal)) continue;
    throw wrongRange('a text that the vocabulary can produce', `${name}.stop[${index}]`, text);
  }
  return { stops: texts, stopTokens, allowed };
}

/** Whether some sequence of allowed tokens contains a text. */
async function canProduce(
  allowed: TokenSet,
  texts: readonly string[],
  text: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  // Whether a token can end with the text up to a position, and begin with the text from there.
  // Parts of characters have no text of their own, so that nothing is known of tokens that have any.
  const isAscii = /^[\0-\x7f]*$/.test(text);
  const ends = new Uint8Array(text.length + 1);
  const begins = new Uint8Array(text.length + 1);
  const parts = new Set<string>();
  let longest = 0;
  let found = false;
  await eachChunk(texts.length, signal, (start, end) => {
    for (let token = start; token < end && !found; token++) {
      const own = texts[token] as string;
      if (own === '' || !hasBit(allowed, token)) continue;
      found = own.includes(text) || (!isAscii && own.includes('\ufffd'));
      for (let length = 1; length <= Math.min(own.length, text.length - 1); length++) {
        if (own.endsWith(text.slice(0, length))) ends[length] = 1;
        if (own.startsWith(text.slice(-length))) begins[text.length - length] = 1;
      }
      parts.add(own);
      longest = Math.max(longest, own.length);
    }
  });
  for (let position = 1; position < text.length && !found; position++) {
    if (ends[position] === 0) continue;
    found = begins[position] === 1;
    const most = Math.min(longest, text.length - position);
    for (let length = 1; length <= most; length++) {
      if (parts.has(text.slice(position, position + length))) ends[position + length] = 1;
    }
  }
  return found;
}

/**
 * The tokens with which a generated text of at most `count` tokens that begins with `prefix` may begin;
 * undefined if there are none. Only tokens of whole characters: a prefix of others cannot be told
 * from its text.
 */
export async function beginningsOf(
  source: TokenSource,
  prefix: string,
  count: number,
  signal: AbortSignal | undefined,
): Promise<TokenSet | undefined> {
  const { size, texts, plain } = await knownTokens(source, signal);
  /** The tokens that a text which begins with `text` may begin with. */
  const visit = (text: string, each: (token: number, common: number) => void) => {
    return eachChunk(size, signal, (start, end) => {
      for (let token = start; token < end; token++) {
        const own = texts[token] as string;
        if (!hasBit(plain, token) || own.includes('\ufffd')) continue;
        if (own.startsWith(text)) each(token, text.length);
        else if (text.startsWith(own)) each(token, own.length);
      }
    });
  };
  // How many tokens the rest of the prefix takes, from each position on.
  const needed = new Array<number>(prefix.length + 1).fill(Infinity);
  needed[prefix.length] = 0;
  for (let begin = prefix.length - 1; begin > 0; begin--) {
    await visit(prefix.slice(begin), (_, common) => {
      needed[begin] = Math.min(needed[begin] as number, 1 + (needed[begin + common] as number));
    });
  }
  const set = emptyBits(size);
  let isEmpty = true;
  await visit(prefix, (token, common) => {
    if (1 + (needed[common] as number) > count) return;
    addBit(set, token);
    isEmpty = false;
  });
  return isEmpty ? undefined : set;
}
