// Where the prompt's tokens end and a choice's begin: the `'separate'` and `'joint'` boundaries.
// `lib/choose/tokenize-choices.ts` calls it; `ChooseOptions.boundary` documents every kind, and
// `lib/choose/healing.ts` implements `'healed'`.

import { wrongRange, wrongType } from '../common/arguments.js';
import { commonPrefix, concatenate } from '../common/token-arrays.js';
import type { BoundaryKind, ChoiceInput } from './choose-options.js';

/** How `choose` split prompt and choices into tokens. */
export interface BoundaryReport {
  kind: BoundaryKind;
  /** The prompt tokens that were scored against. */
  tokens: Int32Array;
  /**
   * Indices of the choices whose tokens differ when tokenized together with the prompt (with
   * `'healed'`: with the text trimmed from it) rather than alone. With `'separate'` undefined
   * unless option `merges` is set.
   */
  merges: number[] | undefined;
  /** With `'healed'`: the tokens that were trimmed from the prompt, and their text. */
  healed?: { tokens: Int32Array; text: string };
}

/** A prompt and its choices as tokens. */
export interface TokenizedChoices {
  prompt: Int32Array;
  paths: readonly Int32Array[];
  report: BoundaryReport;
}

/** The tokenizer operations that splitting at the boundary requires. */
export interface ChoiceTokenizer {
  /** The tokens of a prompt: text with its special tokens, ids unchanged. Never empty. */
  prompt(prompt: ChoiceInput): Promise<Int32Array>;
  /** The tokens of texts, each tokenized like a prompt. */
  prompts(texts: readonly string[]): Promise<Int32Array[]>;
  /** The tokens of texts that continue another text: without special tokens. */
  texts(texts: readonly string[]): Promise<Int32Array[]>;
  /**
   * Set for an encoder-decoder, whose decoder begins a text: the tokens of such texts, without
   * special tokens.
   */
  decoderTexts?: ((texts: readonly string[]) => Promise<Int32Array[]>) | undefined;
  /** The text of tokens; control tokens are rendered only with `special`. */
  textOf(tokens: Int32Array, special: boolean): string | Promise<string>;
}

/** The name of the prompt argument in error messages. */
export type PromptName = 'prompt' | 'prior';

/** The first choice decides: choices are either all texts or all token ids. */
const areTexts = (choices: readonly ChoiceInput[]): choices is readonly string[] =>
  typeof choices[0] === 'string';

const equal = (a: Int32Array, b: Int32Array): boolean =>
  a.length === b.length && commonPrefix(a, b) === a.length;

/** `'separate'`: prompt and choices are tokenized independently. */
export async function separate(
  tokenizer: ChoiceTokenizer,
  prompt: ChoiceInput,
  choices: readonly ChoiceInput[],
): Promise<TokenizedChoices> {
  const tokenize = (texts: readonly string[]) => {
    if (tokenizer.decoderTexts !== undefined) return tokenizer.decoderTexts(texts);
    // After an empty prompt a text continues nothing.
    return prompt === '' ? tokenizeBeginnings(tokenizer, texts) : tokenizer.texts(texts);
  };
  const [tokens, paths] = await Promise.all([
    tokenizer.prompt(prompt),
    areTexts(choices) ? tokenize(choices) : (choices as readonly Int32Array[]),
  ]);
  return { prompt: tokens, paths, report: { kind: 'separate', tokens, merges: undefined } };
}

/** Tokenizes texts that each begin a text, without the special tokens of a prompt. */
async function tokenizeBeginnings(
  tokenizer: ChoiceTokenizer,
  texts: readonly string[],
): Promise<Int32Array[]> {
  const [empty, ...lists] = await tokenizer.prompts(['', ...texts]);
  const { length } = empty as Int32Array;
  return lists.map((tokens) => tokens.slice(length));
}

/** {@link separate}, and also reports which choices merge with the prompt. */
export async function separateWithMerges(
  tokenizer: ChoiceTokenizer,
  prompt: ChoiceInput,
  choices: readonly ChoiceInput[],
): Promise<TokenizedChoices> {
  if (typeof prompt !== 'string') throw wrongType('a string, with merges,', 'prompt', prompt);
  const texts = choices as readonly string[];
  if (tokenizer.decoderTexts !== undefined) {
    const tokenized = await separate(tokenizer, prompt, texts);
    return { ...tokenized, report: { ...tokenized.report, merges: [] } };
  }
  const [tokenized, joined] = await Promise.all([
    separate(tokenizer, prompt, texts),
    tokenizer.prompts(texts.map((text) => prompt + text)),
  ]);
  const merges = mergesOf(joined, tokenized.prompt, tokenized.paths);
  return { ...tokenized, report: { ...tokenized.report, merges } };
}

/**
 * Indices of the choices that merge with what precedes them.
 *
 * @param joined per choice: the tokens of the preceding text and the choice, tokenized together
 * @param before the tokens of the preceding text
 * @param alone per choice: its tokens when tokenized alone
 */
export function mergesOf(
  joined: readonly Int32Array[],
  before: Int32Array,
  alone: readonly Int32Array[],
): number[] {
  return [...joined.keys()].filter((index) => {
    const separated = concatenate(before, alone[index] as Int32Array);
    return !equal(joined[index] as Int32Array, separated);
  });
}

/**
 * `'joint'`: context and continuation are tokenized as one text. The context is the prompt
 * without trailing white space, which moves to each continuation instead, as in
 * lm-evaluation-harness. A choice may change the last tokens of the context. The harness then
 * splits by token count, which scores tokens after a prompt that does not precede them. Here
 * the prompt becomes the longest prefix that the context's tokens share with those of every
 * choice, so that each score is exact for the text after it.
 */
export async function joint(
  tokenizer: ChoiceTokenizer,
  prompt: ChoiceInput,
  choices: readonly ChoiceInput[],
  name: PromptName = 'prompt',
): Promise<TokenizedChoices> {
  if (typeof prompt !== 'string') throw wrongType("a string, with boundary 'joint',", name, prompt);
  const context = prompt.trimEnd();
  const [contextTokens, promptTokens] = await Promise.all([
    tokenizer.prompt(context),
    tokenizer.prompt(prompt),
  ]);
  const texts = choices as readonly string[];
  const [joined, alone] = await Promise.all([
    tokenizer.prompts(texts.map((text) => prompt + text)),
    tokenizer.texts(texts),
  ]);
  const shared = joined.reduce(
    (min, tokens) => Math.min(min, commonPrefix(contextTokens, tokens)),
    contextTokens.length,
  );
  if (shared === 0) {
    throw wrongRange("a first token that no choice changes, with boundary 'joint',", name, prompt);
  }
  const tokens = contextTokens.slice(0, shared);
  const paths = joined.map((all) => all.slice(shared));
  const merges = mergesOf(joined, promptTokens, alone);
  return { prompt: tokens, paths, report: { kind: 'joint', tokens, merges } };
}
