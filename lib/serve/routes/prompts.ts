// The prompts of a request, as text or as token ids, and the tokens that they stand for.

import { checkInteger } from '../../common/arguments.js';
import { withoutEnd } from '../../model/tokenize-many.js';
import { list, type Reader, text } from '../http/fields.js';
import { badField, tooLong } from '../http/http-error.js';
import type { Served } from '../served.js';

/** A prompt as it was given. */
export type PromptField = string | Int32Array;

/** A prompt, ready to be used. */
export interface ServedPrompt {
  tokens: Int32Array;
  /** What an answer that echoes it begins with. */
  text: string;
  /** So many tokens at its beginning are not told in answers: the implicit beginning token. */
  hidden: number;
  /** So many told tokens at its beginning are no part of {@link text}. */
  unwritten: number;
}

/** Reads token ids. */
export const tokenIds =
  (vocabularySize: number): Reader<Int32Array> =>
  (value, name) => {
    const id: Reader<number> = (item, at) => checkInteger(item, at, 0, vocabularySize - 1);
    return Int32Array.from(list(id)(value, name));
  };

/** Reads a text, token ids, or a list of either, of which there is at least one. */
export const promptFields =
  (vocabularySize: number): Reader<PromptField[]> =>
  (value, name) => {
    if (typeof value === 'string') return [value];
    const what = 'a string, token ids, or an array of either';
    if (!Array.isArray(value)) throw badField(what, name, value);
    const ids = tokenIds(vocabularySize);
    if (value.length === 0) throw badField('at least one prompt', name, value);
    if (typeof value[0] === 'number') return [ids(value, name)];
    if (typeof value[0] === 'string') return list(text)(value, name);
    return list(ids)(value, name);
  };

/**
 * The prompts' tokens. Texts are read as llama.cpp's server reads them: with what the model wants
 * around a text, and the text of control tokens as those tokens. Ids are taken as they are.
 */
export async function readyPrompts(
  served: Served,
  fields: readonly PromptField[],
  name: string,
  signal: AbortSignal,
): Promise<ServedPrompt[]> {
  const prompts: ServedPrompt[] = [];
  for (const [index, field] of fields.entries()) {
    const ready = typeof field === 'string' ? ofText : ofTokens;
    const prompt = await ready(served, field as string & Int32Array, signal);
    if (prompt.tokens.length === 0) {
      throw badField('at least one token', fields.length > 1 ? `${name}[${index}]` : name, field);
    }
    prompts.push(prompt);
  }
  return prompts;
}

async function ofText(served: Served, text: string, signal: AbortSignal): Promise<ServedPrompt> {
  const { tokens, added } = await tokenizePrompt(served, text, signal);
  const hidden = served.implicitBos ? added : 0;
  return { tokens, text, hidden, unwritten: added - hidden };
}

async function ofTokens({ lm, implicitBos }: Served, ids: Int32Array): Promise<ServedPrompt> {
  const { bos, addBos } = lm.model.vocab;
  // Known before their text is made.
  if (ids.length > lm.contextSize) {
    const message = `The prompt of ${ids.length} tokens does not fit in the context of ${lm.contextSize}`;
    throw tooLong(message, 'prompt');
  }
  const text = lm.model.detokenizeSync(ids, { special: true });
  const isAdded = implicitBos && addBos && bos !== undefined && ids[0] !== bos;
  if (!isAdded || ids.length === 0) return { tokens: ids, text, hidden: 0, unwritten: 0 };
  return { tokens: Int32Array.of(bos, ...ids), text, hidden: 1, unwritten: 0 };
}

/**
 * The tokens of a text that begins a prompt, and how many of them the tokenizer added in front. A
 * text that spells the beginning token out itself gets no second one.
 */
export async function tokenizePrompt(
  { lm }: Pick<Served, 'lm'>,
  text: string,
  signal: AbortSignal,
): Promise<{ tokens: Int32Array; added: number }> {
  const options = { addSpecial: true, parseSpecial: true, signal };
  const tokens = withoutEnd(lm.model, await lm.tokenize(text, options));
  const { bos, addBos } = lm.model.vocab;
  if (!addBos || bos === undefined || tokens[0] !== bos) return { tokens, added: 0 };
  return tokens[1] === bos ? { tokens: tokens.slice(1), added: 0 } : { tokens, added: 1 };
}
