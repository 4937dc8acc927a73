// Which of a server's tokens are the wanted ones. Servers name tokens by id, by bytes or by text
// alone, and texts may be the same for several. The strategies use it.

import type { Answer } from '../http/api.js';
import { type RemoteToken, readLogprobs } from '../http/logprobs.js';
import { askEach } from '../http/parallel.js';
import type { RemoteEngine } from './remote-engine.js';

/** What a token may be called by. */
export interface TokenName {
  token: number;
  text: string;
  bytes: Uint8Array | undefined;
  /** Whether the text may be another token's as well. */
  isShared?: boolean;
}

/** What a text has for bytes that are no whole character. */
const broken = '\ufffd';

/** The names of tokens. */
export function namesOf(
  engine: Pick<RemoteEngine, 'textOf' | 'bytesOf'>,
  tokens: Iterable<number>,
): Promise<TokenName[]> {
  return askEach([...tokens], async (token) => {
    const [text, bytes] = await Promise.all([engine.textOf(token), engine.bytesOf(token)]);
    return { token, text, bytes };
  });
}

/**
 * The names of tokens, for servers that know them by texts alone: a text is a token's own if the
 * tokenizer makes that token of it.
 */
export async function ownNamesOf(
  engine: Pick<RemoteEngine, 'textOf' | 'bytesOf' | 'tokenizer'>,
  tokens: Iterable<number>,
): Promise<TokenName[]> {
  const names = await namesOf(engine, tokens);
  const own = await engine.tokenizer.texts(names.map(({ text }) => text));
  return names.map((name, index) => ({ ...name, isShared: `${own[index]}` !== `${name.token}` }));
}

/** What a list of likeliest tokens says of one wanted token. */
export interface Finding {
  /** NaN where it is not in the list, or cannot be told from others. */
  logprob: number;
  /** Where `logprob` is NaN: the likeliest entry that it may yet be; −Infinity for none. */
  unclear: number;
}

const textKey = (text: string): string[] =>
  text === '' || text.includes(broken) ? [] : [`text ${text}`];

/** What else than by its id it can be found by. */
function keysOf({ text, bytes }: Pick<TokenName, 'text' | 'bytes'>): string[] {
  if (bytes === undefined || bytes.length === 0) return textKey(text);
  const buffer = Buffer.from(bytes);
  return [`bytes ${buffer.toString('hex')}`, ...textKey(buffer.toString())];
}

/** By key: those that have it. */
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

const best = (tokens: readonly RemoteToken[]): number =>
  tokens.reduce((most, { logprob }) => Math.max(most, logprob), -Infinity);

/** Finds each wanted token in a list of likeliest ones. */
export function findTokens(wanted: readonly TokenName[], top: readonly RemoteToken[]): Finding[] {
  const ids = new Map(top.flatMap(({ id, logprob }) => (id === undefined ? [] : [[id, logprob]])));
  const nameless = top.filter(({ id }) => id === undefined);
  if (nameless.length === 0) {
    return wanted.map(({ token }) => {
      return { logprob: ids.get(token) ?? Number.NaN, unclear: -Infinity };
    });
  }
  const entries = byKey(nameless);
  const rivals = byKey(wanted);
  const unclear = best(nameless.filter((entry) => keysOf(entry).length === 0));
  return wanted.map((name) => {
    const known = ids.get(name.token);
    if (known !== undefined) return { logprob: known, unclear: -Infinity };
    for (const key of keysOf(name)) {
      const found = entries.get(key) ?? [];
      const isOnly = found.length === 1 && rivals.get(key)?.length === 1;
      if (isOnly && !(name.isShared && key.startsWith('text '))) {
        return { logprob: (found[0] as RemoteToken).logprob, unclear: -Infinity };
      }
      if (found.length > 0) return { logprob: Number.NaN, unclear: Math.max(best(found), unclear) };
    }
    // What has no text of its own the server may call anything.
    return { logprob: Number.NaN, unclear: name.text === '' ? best(nameless) : unclear };
  });
}

/** Which candidate a reply of one token is: none of them, or one that cannot be told. */
export type Match = TokenName | 'none' | 'unclear';

/** Finds the candidate that a server replied with. */
export function matchReply(candidates: readonly TokenName[], { text, logprobs }: Answer): Match {
  const steps = readLogprobs(logprobs) ?? [];
  const [step] = steps;
  if (steps.length > 1) return 'none';
  if (step?.id !== undefined) return candidates.find(({ token }) => token === step.id) ?? 'none';
  const reply = { text, bytes: step?.bytes };
  const keys = keysOf(reply);
  const named = byKey(candidates);
  for (const key of keys) {
    const [first, ...rivals] = named.get(key) ?? [];
    if (first !== undefined) return rivals.length === 0 ? first : 'unclear';
  }
  // Chats may have white space around a reply taken off.
  const trimmed = candidates.filter((name) => name.text.trim() === text.trim());
  if (keys.length > 0 && trimmed.length > 0) {
    return trimmed.length === 1 ? (trimmed[0] as TokenName) : 'unclear';
  }
  return text.includes(broken) && candidates.some((name) => name.text.includes(broken))
    ? 'unclear'
    : 'none';
}
