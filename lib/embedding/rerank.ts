// Query and document as the one text that a ranking model reads, and its scores as a ranking.
// Embedder uses it.

import { checkInteger, checkOptions, checkSignal } from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import { NotSupportedError } from '../common/errors.js';
import type { Cost } from '../common/usage.js';
import type { Model } from '../model/model.js';
import { tokenizeMany } from '../model/tokenize-many.js';

/** Options of `rerank`. */
export interface RerankOptions extends CallOptions {
  /** So many of the best. Default: all. */
  topN?: number | undefined;
}

/** A document and what the model thinks of it. */
export interface RankedDocument {
  /** Where it stood among the documents. */
  index: number;
  /**
   * The model's first output for query and document, as it gives it: the higher the better, on
   * the model's own scale.
   */
  score: number;
  document: string;
}

/** What `rerank` gives. */
export interface Ranking extends Cost {
  /** Best first; of equals the one that stood first. */
  results: RankedDocument[];
}

/** Checks the options; throws TypeError or RangeError. */
export function readRerankOptions(value: RerankOptions | undefined) {
  const options = checkOptions(value, 'options', ['topN', 'signal']);
  return {
    topN: checkInteger(options.topN ?? 2 ** 31 - 1, 'topN', 1),
    signal: checkSignal(options.signal, 'signal'),
  };
}

/** The best documents, given each one's score. */
export function rank(
  documents: readonly string[],
  scores: readonly number[],
  topN: number,
): RankedDocument[] {
  return documents
    .map((document, index) => ({ index, score: scores[index] as number, document }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, topN);
}

/**
 * The tokens of the query with each document, as llama.cpp's server joins them: by the model's
 * own template, or else `[BOS] query [EOS] [SEP] document [EOS]` with those that its vocabulary
 * wants. Control tokens that are written out in a query or document stay plain text.
 */
export async function joinAll(
  model: Model,
  query: string,
  documents: readonly string[],
): Promise<Int32Array[]> {
  const template = model.metadata['tokenizer.chat_template.rerank'];
  if (template !== undefined) {
    return Promise.all(documents.map((document) => fill(model, template, { query, document })));
  }
  const { beforeQuery, between, after } = separators(model);
  const [asked = new Int32Array(0), ...found] = await tokenizeMany(
    model,
    [query, ...documents],
    false,
  );
  return found.map((document) =>
    Int32Array.from([...beforeQuery, ...asked, ...between, ...document, ...after]),
  );
}

function separators({ vocab }: Model) {
  const { bos, eos, sep, addBos, addEos, addSep } = vocab;
  const end = eos ?? sep;
  if (bos === undefined || end === undefined) {
    throw new NotSupportedError(
      'This model has neither a template for ranking nor the tokens to separate query and document',
    );
  }
  const ends = addEos ? [end] : [];
  const separator = addSep && sep !== undefined ? [sep] : [];
  return { beforeQuery: addBos ? [bos] : [], between: [...ends, ...separator], after: ends };
}

/** A template's tokens, with the texts in their places. */
async function fill(
  model: Model,
  template: string,
  texts: { query: string; document: string },
): Promise<Int32Array> {
  const parts = template.split(/(\{query\}|\{document\})/).map((part) => {
    if (part === '{query}') return { text: texts.query, isOurs: false };
    if (part === '{document}') return { text: texts.document, isOurs: false };
    return { text: part, isOurs: true };
  });
  const written = await Promise.all(
    parts.map(async ({ text, isOurs }) => !isOurs && (await writesControlTokens(model, text))),
  );
  if (!written.includes(true)) {
    const whole = parts.map(({ text }) => text).join('');
    return model.tokenize(whole, { parseSpecial: true });
  }
  const lists = await Promise.all(
    parts.map(({ text, isOurs }) => model.tokenize(text, { parseSpecial: isOurs })),
  );
  return Int32Array.from(lists.flatMap((tokens) => [...tokens]));
}

/** Whether a text would be read as other tokens if its control tokens were. */
async function writesControlTokens(model: Model, text: string): Promise<boolean> {
  const [plain, parsed] = await Promise.all([
    model.tokenize(text),
    model.tokenize(text, { parseSpecial: true }),
  ]);
  return plain.length !== parsed.length || plain.some((token, index) => token !== parsed[index]);
}
