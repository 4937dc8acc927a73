// The tokens of a text that continues another. SentencePiece tokenizers put a space in front of
// every text; a text that continues one must not get it. No tokenizer has a switch for that, so
// the text is tokenized behind a guard, a character that merges with nothing after it, and the
// guard's tokens are cut off. Model, TfLM and the tokenizers of OpenAI use it.

/** A text that stays apart from whatever follows it, and its tokens. */
export interface Guard {
  text: string;
  tokens: Int32Array;
}

/** What a search for a guard yields: texts to tokenize. It expects their tokens, in order. */
export type GuardSearch = Generator<readonly string[], Guard | undefined, readonly Int32Array[]>;

/**
 * A control character has a token of its own in vocabularies with bytes; normalizers that drop
 * it, as those of T5 and BERT, keep the others.
 */
const candidates = ['\u0001', '|', '\n', '~', '%'];
/** A letter, a word, punctuation, a digit, a letter outside ASCII. */
const probes = ['a', ' a', '.', '7', 'é'];

const startsWith = (tokens: Int32Array, prefix: Int32Array): boolean =>
  prefix.every((token, index) => tokens[index] === token);

const equal = (a: Int32Array, b: Int32Array): boolean => a.length === b.length && startsWith(a, b);

/**
 * Finds the guard that a tokenizer needs; undefined if it adds nothing in front of a text, so
 * that a continuation is tokenized like any other text.
 */
export function* searchGuard(): GuardSearch {
  const plain = yield probes;
  for (const text of candidates) {
    const [tokens, ...guarded] = yield [text, ...probes.map((probe) => text + probe)];
    if (tokens === undefined || tokens.length === 0) continue;
    if (!guarded.every((list) => startsWith(list, tokens))) continue;
    const isNeedless = guarded.every((list, index) => {
      return equal(list.subarray(tokens.length), plain[index] as Int32Array);
    });
    return isNeedless ? undefined : { text, tokens };
  }
  return undefined;
}

/** {@link searchGuard} for a tokenizer that returns at once. */
export function findGuardSync(tokenize: (text: string) => Int32Array): Guard | undefined {
  const search = searchGuard();
  let step = search.next();
  while (!step.done) step = search.next(step.value.map(tokenize));
  return step.value;
}

/** {@link searchGuard} for a tokenizer that is awaited. */
export async function findGuard(
  tokenize: (texts: readonly string[]) => Promise<readonly Int32Array[]>,
): Promise<Guard | undefined> {
  const search = searchGuard();
  let step = search.next();
  while (!step.done) step = search.next(await tokenize(step.value));
  return step.value;
}

/**
 * The tokens after the guard's. Undefined if the text has merged with the guard, as a combining
 * accent may: such a text has no tokens of its own after any other.
 */
export function withoutGuard(guarded: Int32Array, { tokens }: Guard): Int32Array | undefined {
  return startsWith(guarded, tokens) ? guarded.subarray(tokens.length) : undefined;
}

/** The tokens of a continuation by a tokenizer that returns at once. */
export function tokenizeContinuationSync(
  tokenize: (text: string) => Int32Array,
  guard: Guard | undefined,
  text: string,
): Int32Array {
  if (guard === undefined) return tokenize(text);
  return withoutGuard(tokenize(guard.text + text), guard) ?? tokenize(text);
}

/** The tokens of a continuation by a tokenizer that is awaited. */
export async function tokenizeContinuation(
  tokenize: (text: string) => Promise<Int32Array>,
  guard: Guard | undefined,
  text: string,
): Promise<Int32Array> {
  if (guard === undefined) return tokenize(text);
  return withoutGuard(await tokenize(guard.text + text), guard) ?? tokenize(text);
}
