// Tokenization for LLaMa: the checked bodies of its `tokenize` and `detokenize`, and the batches
// that `choose` tokenizes.

import { checkString, checkTokens } from '../common/arguments.js';
import { tokenizeContinuation, withoutGuard } from '../common/continuation.js';
import {
  type DetokenizeOptions,
  readDetokenizeOptions,
  readTokenizeOptions,
  type TokenizeOptions,
} from '../common/text-options.js';
import { callNative, runJob } from '../native/job.js';
import { guardOf, type Model, nativeOf } from './model.js';
import { type TokenizeManyOptions, tokenizeMany, withoutEnd } from './tokenize-many.js';

/** Throws if a call may not begin; LLaMa passes its own `admit`. */
type Admit = (signal: AbortSignal | undefined) => Promise<void>;

/** Checks the arguments of `tokenize`, then tokenizes in a native job. */
export async function tokenize(
  model: Model,
  text: string,
  options: TokenizeOptions | undefined,
  admit: Admit,
): Promise<Int32Array> {
  checkString(text, 'text');
  const { addSpecial, parseSpecial, continuation, signal } = readTokenizeOptions(options);
  await admit(signal);
  const tokenizeText = (some: string): Promise<Int32Array> => {
    return runJob(
      (cancellation) => nativeOf(model).tokenize(some, addSpecial, parseSpecial, cancellation),
      signal,
    );
  };
  return tokenizeContinuation(tokenizeText, continuation ? guardOf(model) : undefined, text);
}

/** Tokenizes many texts in one native job, or in two if they continue others. */
export async function tokenizeEach(
  model: Model,
  texts: readonly string[],
  options: TokenizeOptions,
  admit: Admit,
): Promise<Int32Array[]> {
  const { addSpecial, parseSpecial, continuation, signal } = readTokenizeOptions(options);
  await admit(signal);
  return continuation
    ? tokenizeContinuations(model, texts, { parseSpecial, signal })
    : tokenizeMany(model, texts, addSpecial, { parseSpecial, signal });
}

/** Checks the arguments of `detokenize`, then detokenizes in a native job. */
export async function detokenize(
  model: Model,
  tokens: Int32Array,
  options: DetokenizeOptions | undefined,
  admit: Admit,
): Promise<string> {
  const copy = checkTokens(tokens, 'tokens', model.vocab.size);
  const { special, continuation, signal } = readDetokenizeOptions(options);
  await admit(signal);
  return runJob(() => nativeOf(model).detokenize(copy, special, continuation), signal);
}

/** The tokens of texts that each begin a prompt, in one job. */
export async function tokenizePrompts(
  model: Model,
  texts: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Int32Array[]> {
  const lists = await tokenizeMany(model, texts, true, { signal });
  return lists.map((tokens) => withoutEnd(model, tokens));
}

/** The tokens of texts that each continue another, in one job. */
export async function tokenizeContinuations(
  model: Model,
  texts: readonly string[],
  options?: TokenizeManyOptions,
): Promise<Int32Array[]> {
  const guard = guardOf(model);
  if (guard === undefined) return tokenizeMany(model, texts, false, options);
  const guarded = await tokenizeMany(
    model,
    texts.map((text) => guard.text + text),
    false,
    options,
  );
  const lists = guarded.map((tokens) => withoutGuard(tokens, guard));
  const merged = texts.filter((_, index) => lists[index] === undefined);
  const others = merged.length === 0 ? [] : await tokenizeMany(model, merged, false, options);
  return lists.map((tokens) => tokens ?? (others.shift() as Int32Array));
}

/** The text that tokens add to another, control tokens included, without a job. */
export function textOfTokens(model: Model, tokens: Int32Array): string {
  return callNative(() => nativeOf(model).detokenizeSync(tokens, true, true));
}

/** The bytes of each token as a text, invalid UTF-8 as U+FFFD, without a job; `''` for control tokens. */
export function bytesAsTexts(model: Model, tokens: Int32Array): string[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const vocabulary = nativeOf(model);
  return Array.from(tokens, (token) => {
    return decoder.decode(callNative(() => vocabulary.tokenBytes(token)));
  });
}

/** As `Model.checkGrammar`, but off the calling thread: a grammar of megabytes takes a second. */
export function checkGrammarInJob(
  model: Model,
  grammar: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  return runJob((job) => nativeOf(model).checkGrammarInJob(grammar, job), signal);
}
