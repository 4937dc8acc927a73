// The healed seam: the prompt gives back its last token, and each choice is tokenised together
// with that token's text, so that a word cut by the prompt's end has the tokens that it has
// elsewhere. `lib/choose/choose.ts` calls it.

import { wrongRange } from '../common/arguments.js';
import { NotSupportedError } from '../common/errors.js';
import {
  type ChoiceTokenizer,
  mergesOf,
  type PromptName,
  separate,
  type TokenizedChoices,
} from './boundary.js';
import type { ChoiceInput } from './choose-options.js';

/** What bytes that are no whole character look like in a text. */
const broken = '\ufffd';

/** Tokenizers take a lone surrogate for U+FFFD, and give that back. */
const wellFormed = (text: string): string => Buffer.from(text).toString();

/** A prompt without its last tokens, and those. */
interface Cut {
  prompt: Int32Array;
  given: Int32Array;
  text: string;
}

/**
 * `'healed'`: the prompt without its last token, or without as many as it takes until these
 * are whole characters; choices as the tokens of what was given back and their own text. A
 * control token at the prompt's end stands for no text, and is not given back.
 */
export async function healed(
  tokenizer: ChoiceTokenizer,
  prompt: ChoiceInput,
  choices: readonly ChoiceInput[],
  name: PromptName = 'prompt',
): Promise<TokenizedChoices> {
  const apart = await separate(tokenizer, prompt, choices);
  const cut = await cutOf(tokenizer, apart.prompt, name, prompt);
  const wholes: string[] = [];
  for (const [index, choice] of choices.entries()) {
    wholes.push(await wholeOf(tokenizer, cut, choice, `choices[${index}]`));
  }
  const paths = cut.given.length === 0 ? apart.paths : await pathsOf(tokenizer, cut, wholes);
  const report = {
    kind: 'healed',
    tokens: cut.prompt,
    merges: mergesOf(paths, cut.given, apart.paths),
    healed: { tokens: cut.given, text: cut.text },
  } as const;
  return { prompt: cut.prompt, paths, report };
}

/** The text that tokens add; undefined where they complete a character that began before them. */
type TextAfter = (tokens: Int32Array) => Promise<string | undefined>;

/**
 * The text that tokens add to the one before them, which may be other than what they are alone:
 * some tokenizers drop a space at the beginning of a text.
 */
async function textAfter(
  tokenizer: ChoiceTokenizer,
  before: number,
  special = true,
): Promise<TextAfter> {
  const head = await tokenizer.textOf(Int32Array.of(before), special);
  return async (tokens) => {
    const whole = await tokenizer.textOf(Int32Array.of(before, ...tokens), special);
    return whole.startsWith(head) ? whole.slice(head.length) : undefined;
  };
}

async function isControl(tokenizer: ChoiceTokenizer, prompt: Int32Array): Promise<boolean> {
  const text = async (tokens: Int32Array) => tokenizer.textOf(tokens, false);
  if ((await text(prompt.slice(-1))) !== '') return false;
  // A space may be no text where it is the first, and yet be text after another token.
  return prompt.length < 2 || (await text(prompt.slice(-2))) === (await text(prompt.slice(-2, -1)));
}

async function cutOf(
  tokenizer: ChoiceTokenizer,
  prompt: Int32Array,
  name: PromptName,
  value: ChoiceInput,
): Promise<Cut> {
  if (await isControl(tokenizer, prompt)) return { prompt, given: new Int32Array(0), text: '' };
  for (let end = prompt.length - 1; end > 0; end--) {
    const given = prompt.slice(end);
    const after = await textAfter(tokenizer, prompt[end - 1] as number);
    const text = await after(given);
    if (text === undefined || text === '') continue;
    if (text.includes(broken) && !(await isOwnText(tokenizer, given, text))) continue;
    return { prompt: prompt.slice(0, end), given, text };
  }
  const what = prompt.length === 1 ? 'at least two tokens' : 'whole characters at the end';
  throw wrongRange(`${what}, with boundary 'healed',`, name, value);
}

/** Whether a text that may be U+FFFD itself, or bytes cut short, has these very tokens. */
async function isOwnText(tokenizer: ChoiceTokenizer, tokens: Int32Array, text: string) {
  const [own] = await tokenizer.texts([text]);
  return `${own}` === `${tokens}`;
}

/** The text that a choice has together with what the prompt gave back. */
async function wholeOf(
  tokenizer: ChoiceTokenizer,
  { prompt, given, text }: Cut,
  choice: ChoiceInput,
  name: string,
): Promise<string> {
  if (typeof choice === 'string') return text + wellFormed(choice);
  if (given.length === 0) return '';
  const tokens = Int32Array.of(...given, ...choice);
  const before = prompt.at(-1) as number;
  const [whole, plain] = await Promise.all(
    [true, false].map(async (special) => (await textAfter(tokenizer, before, special))(tokens)),
  );
  // What a text cannot say: half a character, and control tokens.
  const own = whole === plain && whole?.startsWith(text) ? whole.slice(text.length) : broken;
  if (!own.includes(broken)) return text + own;
  throw wrongRange("tokens of whole characters of text, with boundary 'healed',", name, choice);
}

/** Ways to the tokens of texts, undefined where one leads nowhere. */
const ways: ((tokenizer: ChoiceTokenizer, texts: readonly string[]) => Promise<Paths>)[] = [
  (tokenizer, texts) => tokenizer.texts(texts),
  // Some tokenizers put a space before every text: one that begins with one has two then,
  async (tokenizer, texts) => {
    const paths = await tokenizer.texts(texts.map((text) => text.replace(/^ /, '')));
    return paths.map((path, index) => (texts[index]?.startsWith(' ') ? path : undefined));
  },
  // and one that is the rest of a word has a space too many, unless something is before it.
  async (tokenizer, texts) => {
    const [anchor, ...paths] = await tokenizer.texts(['\n', ...texts.map((text) => `\n${text}`)]);
    const { length } = anchor as Int32Array;
    return paths.map((path) =>
      `${path.slice(0, length)}` === `${anchor}` ? path.slice(length) : undefined,
    );
  },
];

type Paths = readonly (Int32Array | undefined)[];

/** The tokens of texts that each begin with what was given back, checked to be just that text. */
async function pathsOf(
  tokenizer: ChoiceTokenizer,
  { prompt }: Cut,
  wholes: readonly string[],
): Promise<Int32Array[]> {
  const after = await textAfter(tokenizer, prompt.at(-1) as number);
  const paths: Int32Array[] = [];
  let left = [...wholes.keys()];
  for (const way of ways) {
    const tried =
      left.length > 0
        ? await way(
            tokenizer,
            left.map((index) => wholes[index] as string),
          )
        : [];
    const failed: number[] = [];
    for (const [place, index] of left.entries()) {
      const path = tried[place];
      if (path !== undefined && (await after(path)) === wholes[index]) paths[index] = path;
      else failed.push(index);
    }
    left = failed;
  }
  const [bad] = left;
  if (bad === undefined) return paths;
  throw new NotSupportedError(
    "Boundary 'healed' needs a tokenizer that gives a text back as it was; " +
      `this one does not give back ${JSON.stringify(wholes[bad])}`,
  );
}
