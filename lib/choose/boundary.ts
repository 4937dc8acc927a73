// The seam between prompt and choices: which tokens are the prompt's and which a choice's.
// `lib/choose/choose.ts` calls it; `ChooseOptions.boundary` says what each kind means, and
// `lib/choose/healing.ts` has the third.

import { wrongRange, wrongType } from '../common/arguments.js';
import { commonPrefix, concatenate } from '../common/token-arrays.js';
import type { BoundaryKind, ChoiceInput } from './choose-options.js';

/** What `choose` reports of the seam. */
export interface BoundaryReport {
  kind: BoundaryKind;
  /** The prompt tokens that were used. */
  tokens: Int32Array;
  /**
   * Indices of the choices that have other tokens together with the prompt, or with what it
   * gave back, than they have alone. With `'separate'` undefined unless `merges` asked for it.
   */
  merges: number[] | undefined;
  /** With `'healed'`: the tokens that the prompt gave back, and their text. */
  healed?: { tokens: Int32Array; text: string };
}

/** A prompt and its choices as tokens. */
export interface TokenizedChoices {
  prompt: Int32Array;
  paths: readonly Int32Array[];
  report: BoundaryReport;
}

/** What a seam needs of a tokenizer. */
export interface ChoiceTokenizer {
  /** The tokens of a prompt: text with its special tokens, ids as they are. At least one. */
  prompt(prompt: ChoiceInput): Promise<Int32Array>;
  /** The tokens of texts that begin prompts, as of one. */
  prompts(texts: readonly string[]): Promise<Int32Array[]>;
  /** The tokens of texts that continue others. */
  texts(texts: readonly string[]): Promise<Int32Array[]>;
  /** The text of tokens; of control tokens only with `special`. */
  textOf(tokens: Int32Array, special: boolean): string | Promise<string>;
}

/** How prompts are called where one is wrong. */
export type PromptName = 'prompt' | 'prior';

/** Choices are all texts or all token ids. */
const areTexts = (choices: readonly ChoiceInput[]): choices is readonly string[] =>
  typeof choices[0] === 'string';

const equal = (a: Int32Array, b: Int32Array): boolean =>
  a.length === b.length && commonPrefix(a, b) === a.length;

/** `'separate'`: each text alone. */
export async function separate(
  tokenizer: ChoiceTokenizer,
  prompt: ChoiceInput,
  choices: readonly ChoiceInput[],
): Promise<TokenizedChoices> {
  const [tokens, paths] = await Promise.all([
    tokenizer.prompt(prompt),
    areTexts(choices) ? tokenizer.texts(choices) : (choices as readonly Int32Array[]),
  ]);
  return { prompt: tokens, paths, report: { kind: 'separate', tokens, merges: undefined } };
}

/** {@link separate}, and which choices have other tokens together with the prompt. */
export async function separateWithMerges(
  tokenizer: ChoiceTokenizer,
  prompt: ChoiceInput,
  choices: readonly ChoiceInput[],
): Promise<TokenizedChoices> {
  if (typeof prompt !== 'string') throw wrongType('a string, with merges,', 'prompt', prompt);
  const texts = choices as readonly string[];
  const [seam, wholes] = await Promise.all([
    separate(tokenizer, prompt, texts),
    tokenizer.prompts(texts.map((text) => prompt + text)),
  ]);
  const merges = mergesOf(wholes, seam.prompt, seam.paths);
  return { ...seam, report: { ...seam.report, merges } };
}

/** Indices of the wholes that are not `before` followed by the tokens that each has alone. */
export function mergesOf(
  wholes: readonly Int32Array[],
  before: Int32Array,
  alone: readonly Int32Array[],
): number[] {
  return [...wholes.keys()].filter((index) => {
    const apart = concatenate(before, alone[index] as Int32Array);
    return !equal(wholes[index] as Int32Array, apart);
  });
}

/**
 * `'joint'`: tokens of context + continuation after those of the context, where the context is
 * the prompt without the white space at its end, which begins each continuation instead (as
 * lm-evaluation-harness does). A choice may change the context's own last tokens. A cut by
 * count, as the harness makes then, would score tokens after a prompt that does not precede
 * them; so here the prompt becomes the longest beginning that the tokens of every choice and
 * of the context share, and each score is that of the text after it, exact.
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
  const [wholes, alone] = await Promise.all([
    tokenizer.prompts(texts.map((text) => prompt + text)),
    tokenizer.texts(texts),
  ]);
  const shared = wholes.reduce(
    (least, whole) => Math.min(least, commonPrefix(contextTokens, whole)),
    contextTokens.length,
  );
  if (shared === 0) {
    throw wrongRange("a first token that no choice changes, with boundary 'joint',", name, prompt);
  }
  const tokens = contextTokens.slice(0, shared);
  const paths = wholes.map((whole) => whole.slice(shared));
  const merges = mergesOf(wholes, promptTokens, alone);
  return { prompt: tokens, paths, report: { kind: 'joint', tokens, merges } };
}
