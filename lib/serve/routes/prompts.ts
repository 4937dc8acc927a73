// The prompts of a request, as text or token ids, and their tokenization.

import { checkInteger } from '../../common/arguments.js';
import { concatenate } from '../../common/token-arrays.js';
import { withoutEnd } from '../../model/tokenize-many.js';
import { list, type Reader, text } from '../http/fields.js';
import { blaming, contextLengthExceeded, invalidField } from '../http/http-error.js';
import type { Served } from '../served.js';

/** A prompt as the request has it. */
export type PromptField = string | Int32Array;

/** A tokenized prompt. */
export interface ServedPrompt {
  tokens: Int32Array;
  /** The text that an echoing response starts with. */
  text: string;
  /** Number of leading tokens that responses omit: the implicit BOS token. */
  hidden: number;
  /** Number of leading reported tokens that are not part of {@link text}. */
  zeroWidth: number;
}

/** Reads token ids. */
export const tokenIds =
  (vocabularySize: number): Reader<Int32Array> =>
  (value, name) => {
    if (!Array.isArray(value)) throw invalidField('an array', name, value);
    // Names only for what is at fault: a body may have millions of ids.
    return Int32Array.from(value, (item: unknown, index) => {
      const isId =
        Number.isInteger(item) && (item as number) >= 0 && (item as number) < vocabularySize;
      return isId
        ? (item as number)
        : checkInteger(item, `${name}[${index}]`, 0, vocabularySize - 1);
    });
  };

/** Reads a string, token ids, or a non-empty array of either. */
export const promptFields =
  (vocabularySize: number): Reader<PromptField[]> =>
  (value, name) => {
    if (typeof value === 'string') return [value];
    const what = 'a string, token ids, or an array of either';
    if (!Array.isArray(value)) throw invalidField(what, name, value);
    const ids = tokenIds(vocabularySize);
    if (value.length === 0) throw invalidField('at least one prompt', name, value);
    if (typeof value[0] === 'number') return [ids(value, name)];
    if (typeof value[0] === 'string') return list(text)(value, name);
    return list(ids)(value, name);
  };

/**
 * Tokenizes the prompts. Texts are tokenized as in llama.cpp's server: with the special tokens that
 * the model adds, and with control tokens parsed. Token ids are used as given.
 */
export async function preparePrompts(
  served: Served,
  fields: readonly PromptField[],
  name: string,
  signal: AbortSignal,
): Promise<ServedPrompt[]> {
  const prompts: ServedPrompt[] = [];
  for (const [index, field] of fields.entries()) {
    const at = promptName(name, fields, index);
    const prompt =
      typeof field === 'string'
        ? await blaming(fromText(served, field, signal), () => at)
        : await fromTokens(served, field, at);
    if (prompt.tokens.length === 0) throw invalidField('at least one token', at, field);
    prompts.push(prompt);
  }
  return prompts;
}

/** The name of one of a request's prompts in errors: that of the field, if it is the only one. */
export const promptName = (name: string, prompts: readonly unknown[], index: number): string =>
  prompts.length > 1 ? `${name}[${index}]` : name;

async function fromText(served: Served, text: string, signal: AbortSignal): Promise<ServedPrompt> {
  const { tokens, added } = await tokenizePrompt(served, text, signal);
  const hidden = served.implicitBos ? added : 0;
  return { tokens, text, hidden, zeroWidth: added - hidden };
}

async function fromTokens(
  { lm, implicitBos }: Served,
  ids: Int32Array,
  name: string,
): Promise<ServedPrompt> {
  const { bos, addBos } = lm.model.vocab;
  // Checked before detokenizing them.
  if (ids.length > lm.contextSize) {
    const message = `The prompt of ${ids.length} tokens does not fit in the context of ${lm.contextSize}`;
    throw contextLengthExceeded(message, name);
  }
  const text = lm.model.detokenizeSync(ids, { special: true });
  const isAdded = implicitBos && addBos && bos !== undefined && ids[0] !== bos;
  if (!isAdded || ids.length === 0) return { tokens: ids, text, hidden: 0, zeroWidth: 0 };
  return { tokens: concatenate(Int32Array.of(bos), ids), text, hidden: 1, zeroWidth: 0 };
}

/**
 * Tokenizes the text of a prompt; `added` is the number of tokens that the tokenizer prepended. A
 * text that already starts with the BOS token does not get a second one.
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
