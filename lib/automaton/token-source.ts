// What resolving a vocabulary needs of an LM, and what is kept of it for each vocabulary: the texts
// of its tokens and the sets that were resolved before.

import { setImmediate } from 'node:timers/promises';
import { raceAbort } from '../common/abort.js';
import { addBit, deleteBit, emptyBits } from '../common/bits.js';

/** An LM's vocabulary, as token sets see it. ChoiceLM provides it. */
export interface TokenSource {
  /** What the vocabulary belongs to: sources with the same owner have the same tokens. */
  owner: object;
  /** The number of tokens. */
  size(signal: AbortSignal | undefined): Promise<number>;
  /** The texts of tokens as parts of longer texts, in order; `''` for control tokens. */
  texts(tokens: Int32Array): readonly string[] | Promise<readonly string[]>;
  /** The tokens of texts, each as the continuation of another. */
  tokenize(texts: readonly string[]): Promise<readonly Int32Array[]>;
  /** The tokens of a text in which control tokens may be spelled. */
  tokenizeSpecial(text: string): Promise<Int32Array>;
  endOfGeneration: Int32Array;
}

/** What is known of a vocabulary. */
export interface KnownTokens {
  size: number;
  texts: readonly string[];
  /** All tokens but control tokens and those that end a generation. */
  plain: Uint8Array;
  /** Resolved sets, by key, the least recently used first. */
  sets: Map<string, Uint8Array>;
}

/** Tokens between two returns to the event loop: a few milliseconds. */
const chunk = 4096;

/** Calls `visit` for ranges of tokens, and lets other work run in between. */
export async function eachChunk(
  size: number,
  signal: AbortSignal | undefined,
  visit: (start: number, end: number) => void | Promise<void>,
): Promise<void> {
  for (let start = 0; start < size; start += chunk) {
    if (start > 0) await setImmediate();
    signal?.throwIfAborted();
    await visit(start, Math.min(size, start + chunk));
  }
}

const known = new WeakMap<object, KnownTokens>();

/** The texts and plain tokens of a vocabulary; read once. */
export async function knownTokens(
  source: TokenSource,
  signal: AbortSignal | undefined,
): Promise<KnownTokens> {
  const cached = known.get(source.owner);
  if (cached !== undefined) return cached;
  const size = await raceAbort(source.size(signal), signal);
  const texts: string[] = [];
  const plain = emptyBits(size);
  await eachChunk(size, signal, async (start, end) => {
    const tokens = Int32Array.from({ length: end - start }, (_, index) => start + index);
    const found = source.texts(tokens);
    for (const text of found instanceof Promise ? await raceAbort(found, signal) : found) {
      if (text !== '') addBit(plain, texts.length);
      texts.push(text);
    }
  });
  for (const token of source.endOfGeneration) deleteBit(plain, token);
  // Another call may have been faster; its sets are kept.
  const entry = known.get(source.owner) ?? { size, texts, plain, sets: new Map() };
  known.set(source.owner, entry);
  return entry;
}
