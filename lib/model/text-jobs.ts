// Tokenization for LLaMa: the checked bodies of its `tokenize` and `detokenize`, and the batches
// that `choose` tokenizes.

import { checkString, checkTokens } from '../common/arguments.js';
import {
  type DetokenizeOptions,
  readDetokenizeOptions,
  readTokenizeOptions,
  type TokenizeOptions,
} from '../common/text-options.js';
import { callNative, runJob } from '../native/job.js';
import { type Model, nativeOf } from './model.js';
import { tokenizeMany, withoutEnd } from './tokenize-many.js';

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
  const { addSpecial, parseSpecial, signal } = readTokenizeOptions(options);
  await admit(signal);
  return runJob(() => nativeOf(model).tokenize(text, addSpecial, parseSpecial), signal);
}

/** Checks the arguments of `detokenize`, then detokenizes in a native job. */
export async function detokenize(
  model: Model,
  tokens: Int32Array,
  options: DetokenizeOptions | undefined,
  admit: Admit,
): Promise<string> {
  const copy = checkTokens(tokens, 'tokens', model.vocab.size).slice();
  const { special, signal } = readDetokenizeOptions(options);
  await admit(signal);
  return runJob(() => nativeOf(model).detokenize(copy, special), signal);
}

/** The tokens of texts that each begin a prompt, in one job. */
export async function tokenizePrompts(
  model: Model,
  texts: readonly string[],
): Promise<Int32Array[]> {
  const lists = await tokenizeMany(model, texts, true);
  return lists.map((tokens) => withoutEnd(model, tokens));
}

/** The text of tokens, control tokens included, without a job. */
export function textOfTokens(model: Model, tokens: Int32Array): string {
  return callNative(() => nativeOf(model).detokenizeSync(tokens, true));
}
