// Matches the tokens that a server reports with the requested ones. Servers identify tokens by id,
// by bytes or by text alone, and several tokens may have the same text. The strategies use it.

import { mapConcurrently } from '../../common/parallel.js';
import type { ApiResult } from '../http/api.js';
import { type RemoteToken, readLogprobs } from '../http/logprobs.js';
import type { RemoteEngine } from './remote-engine.js';

/** What a token can be identified by. */
export interface TokenName {
  token: number;
  text: string;
  bytes: Uint8Array | undefined;
  /** Whether another token may have the same text. */
  isShared?: boolean;
}

/** Stands for bytes that are not a whole character. */
const replacementCharacter = '\ufffd';

/** The names of tokens. */
export function namesOf(
  engine: Pick<RemoteEngine, 'textOf' | 'bytesOf'>,
  tokens: Iterable<number>,
): Promise<TokenName[]> {
  return mapConcurrently([...tokens], async (token) => {
    const [text, bytes] = await Promise.all([engine.textOf(token), engine.bytesOf(token)]);
    return { token, text, bytes };
  });
}

/**
 * The names of tokens, for servers that identify them by text alone: a text is unambiguous if it
 * tokenizes to that very token.
 */
export async function namesWithSharing(
  engine: Pick<RemoteEngine, 'textOf' | 'bytesOf' | 'tokenizer'>,
  tokens: Iterable<number>,
): Promise<TokenName[]> {
  const names = await namesOf(engine, tokens);
  const own = await engine.tokenizer.texts(names.map(({ text }) => text));
  return names.map((name, index) => ({ ...name, isShared: `${own[index]}` !== `${name.token}` }));
}

/** What a list of top tokens reveals about one requested token. */
export interface LogprobMatch {
  /** NaN if it is not in the list, or ambiguous. */
  logprob: number;
  /**
   * If `logprob` is NaN: the highest log-probability of an entry that may be this token; −Infinity
   * for none.
   */
  ambiguous: number;
}

const textKey = (text: string): string[] =>
  text === '' || text.includes(replacementCharacter) ? [] : [`text ${text}`];

/** The keys by which a token can be found, other than its id. */
function keysOf({ text, bytes }: Pick<TokenName, 'text' | 'bytes'>): string[] {
  if (bytes === undefined || bytes.length === 0) return textKey(text);
  const buffer = Buffer.from(bytes);
  return [`bytes ${buffer.toString('hex')}`, ...textKey(buffer.toString())];
}

/** Groups tokens by key. */
function byKey<T extends Pick<TokenName, 'text' | 'bytes'>>(all: readonly T[]): Map<string, T[]> {
  const map = new Map<string, T[]>();
  for (const one of all) {
    for (const key of keysOf(one)) {
      const same = map.get(key);
      if (same === undefined) map.set(key, [one]);
      else same.push(one);
    }
  }
  return map;
}

const maxLogprob = (tokens: readonly RemoteToken[]): number =>
  tokens.reduce((max, { logprob }) => Math.max(max, logprob), -Infinity);

/** Finds each requested token in a list of top tokens. */
export function findTokens(
  requested: readonly TokenName[],
  top: readonly RemoteToken[],
): LogprobMatch[] {
  const ids = new Map(top.flatMap(({ id, logprob }) => (id === undefined ? [] : [[id, logprob]])));
  const withoutId = top.filter(({ id }) => id === undefined);
  if (withoutId.length === 0) {
    return requested.map(({ token }) => {
      return { logprob: ids.get(token) ?? Number.NaN, ambiguous: -Infinity };
    });
  }
  const entries = byKey(withoutId);
  const rivals = byKey(requested);
  const ambiguous = maxLogprob(withoutId.filter((entry) => keysOf(entry).length === 0));
  return requested.map((name) => {
    const known = ids.get(name.token);
    if (known !== undefined) return { logprob: known, ambiguous: -Infinity };
    for (const key of keysOf(name)) {
      const found = entries.get(key) ?? [];
      const isOnly = found.length === 1 && rivals.get(key)?.length === 1;
      if (isOnly && !(name.isShared && key.startsWith('text '))) {
        return { logprob: (found[0] as RemoteToken).logprob, ambiguous: -Infinity };
      }
      if (found.length > 0)
        return { logprob: Number.NaN, ambiguous: Math.max(maxLogprob(found), ambiguous) };
    }
    // The server may represent a token without text as anything.
    return { logprob: Number.NaN, ambiguous: name.text === '' ? maxLogprob(withoutId) : ambiguous };
  });
}

/** Which candidate a reply of one token is: none of them, or ambiguous. */
export type Match = TokenName | 'none' | 'ambiguous';

/** Finds the candidate that a server replied with. */
export function matchReply(candidates: readonly TokenName[], { text, logprobs }: ApiResult): Match {
  const steps = readLogprobs(logprobs) ?? [];
  const [step] = steps;
  if (steps.length > 1) return 'none';
  if (step?.id !== undefined) return candidates.find(({ token }) => token === step.id) ?? 'none';
  const reply = { text, bytes: step?.bytes };
  const keys = keysOf(reply);
  const named = byKey(candidates);
  for (const key of keys) {
    const [first, ...rivals] = named.get(key) ?? [];
    if (first !== undefined) return rivals.length === 0 ? first : 'ambiguous';
  }
  // Chat servers may trim the white space around a reply.
  const trimmed = candidates.filter((name) => name.text.trim() === text.trim());
  if (keys.length > 0 && trimmed.length > 0) {
    return trimmed.length === 1 ? (trimmed[0] as TokenName) : 'ambiguous';
  }
  return text.includes(replacementCharacter) &&
    candidates.some((name) => name.text.includes(replacementCharacter))
    ? 'ambiguous'
    : 'none';
}
