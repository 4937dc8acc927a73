// Token healing, boundary `'healed'`: the last token is trimmed from the prompt, and each choice is
// tokenized together with its text, so that a word split by the end of the prompt gets its usual
// tokens. `lib/choose/tokenize-choices.ts` calls it.

import { about, wrongRange } from '../common/arguments.js';
import { NotSupportedError } from '../common/errors.js';
import { concatenate } from '../common/token-arrays.js';
import {
  type ChoiceTokenizer,
  mergesOf,
  type PromptName,
  separate,
  type TokenizedChoices,
} from './boundary.js';
import type { ChoiceInput } from './choose-options.js';

/** U+FFFD, which stands for incomplete UTF-8 sequences in detokenized text. */
const replacement = '\ufffd';

/** Tokenizers read a lone surrogate as U+FFFD, and detokenize it as that. */
const wellFormed = (text: string): string => Buffer.from(text).toString();

/** A prompt without its last tokens, and the tokens trimmed from it. */
interface TrimmedPrompt {
  prompt: Int32Array;
  trimmed: Int32Array;
  /** The text of `trimmed`. */
  text: string;
}

/**
 * `'healed'`: trims the last token from the prompt, or as many as make up whole characters, and
 * tokenizes each choice together with the trimmed text. A control token at the end of the prompt
 * has no text, so nothing is trimmed there.
 */
export async function healed(
  tokenizer: ChoiceTokenizer,
  prompt: ChoiceInput,
  choices: readonly ChoiceInput[],
  name: PromptName = 'prompt',
): Promise<TokenizedChoices> {
  const separated = await separate(tokenizer, prompt, choices);
  const head = await trimPrompt(tokenizer, separated.prompt, name, prompt);
  const texts: string[] = [];
  for (const [index, choice] of choices.entries()) {
    texts.push(await joinedText(tokenizer, head, choice, `choices[${index}]`));
  }
  const isTrimmed = head.trimmed.length > 0;
  const paths = isTrimmed ? await pathsOf(tokenizer, head, texts) : separated.paths;
  const report = {
    kind: 'healed',
    tokens: head.prompt,
    merges: mergesOf(paths, head.trimmed, separated.paths),
    healed: { tokens: head.trimmed, text: head.text },
  } as const;
  return { prompt: head.prompt, paths, report };
}

/** The text that tokens append; undefined if they complete a character that starts before them. */
type TextAfter = (tokens: Int32Array) => Promise<string | undefined>;

/**
 * The text that tokens append after the token `before`. It may differ from the text of the tokens
 * alone: some tokenizers drop a leading space of a text.
 */
async function textAfter(
  tokenizer: ChoiceTokenizer,
  before: number,
  special = true,
): Promise<TextAfter> {
  const head = await tokenizer.textOf(Int32Array.of(before), special);
  return async (tokens) => {
    const text = await tokenizer.textOf(concatenate(Int32Array.of(before), tokens), special);
    return text.startsWith(head) ? text.slice(head.length) : undefined;
  };
}

/** Whether a prompt ends in a control token. */
async function endsInControl(tokenizer: ChoiceTokenizer, prompt: Int32Array): Promise<boolean> {
  const text = async (tokens: Int32Array) => tokenizer.textOf(tokens, false);
  if ((await text(prompt.slice(-1))) !== '') return false;
  // A space token may have no text at the start of a text, but does have one after another token.
  return prompt.length < 2 || (await text(prompt.slice(-2))) === (await text(prompt.slice(-2, -1)));
}

async function trimPrompt(
  tokenizer: ChoiceTokenizer,
  prompt: Int32Array,
  name: PromptName,
  value: ChoiceInput,
): Promise<TrimmedPrompt> {
  if (await endsInControl(tokenizer, prompt))
    return { prompt, trimmed: new Int32Array(0), text: '' };
  for (let end = prompt.length - 1; end > 0; end--) {
    const trimmed = prompt.slice(end);
    const after = await textAfter(tokenizer, prompt[end - 1] as number);
    const text = await after(trimmed);
    if (text === undefined || text === '') continue;
    if (text.includes(replacement) && !(await tokenizesTo(tokenizer, text, trimmed))) continue;
    return { prompt: prompt.slice(0, end), trimmed, text };
  }
  const what = prompt.length === 1 ? 'at least two tokens' : 'whole characters at the end';
  throw wrongRange(`${what}, with boundary 'healed',`, name, value);
}

/** Tells a literal U+FFFD from an incomplete character: only the former has these tokens. */
async function tokenizesTo(tokenizer: ChoiceTokenizer, text: string, tokens: Int32Array) {
  const [own] = await tokenizer.texts([text]);
  return `${own}` === `${tokens}`;
}

/** The trimmed text followed by the text of a choice. */
async function joinedText(
  tokenizer: ChoiceTokenizer,
  { prompt, trimmed, text }: TrimmedPrompt,
  choice: ChoiceInput,
  name: string,
): Promise<string> {
  if (typeof choice === 'string') return text + wellFormed(choice);
  if (trimmed.length === 0) return '';
  const tokens = concatenate(trimmed, choice);
  const before = prompt.at(-1) as number;
  const [joined, plain] = await Promise.all(
    [true, false].map(async (special) => (await textAfter(tokenizer, before, special))(tokens)),
  );
  // Not representable as text: incomplete characters and control tokens.
  const own =
    joined === plain && joined?.startsWith(text) ? joined.slice(text.length) : replacement;
  if (!own.includes(replacement)) return text + own;
  throw wrongRange("tokens of whole characters of text, with boundary 'healed',", name, choice);
}

/** The tokens of texts that start with the trimmed text, verified by detokenizing them. */
async function pathsOf(
  tokenizer: ChoiceTokenizer,
  { prompt }: TrimmedPrompt,
  texts: readonly string[],
): Promise<Int32Array[]> {
  const after = await textAfter(tokenizer, prompt.at(-1) as number);
  const paths = await tokenizer.texts(texts);
  for (const [index, path] of paths.entries()) {
    if ((await after(path)) === texts[index]) continue;
    const message =
      "Boundary 'healed' requires a lossless tokenizer; " +
      `this one does not round-trip ${JSON.stringify(texts[index])}`;
    throw about('boundary', new NotSupportedError(message));
  }
  return paths;
}
