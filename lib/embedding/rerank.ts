// Reranking: joins a query with each document into the model's input, and sorts documents by score.
// Embedder uses it.

import { checkInteger, checkOptions, checkSignal } from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import { NotSupportedError } from '../common/errors.js';
import { concatenateAll } from '../common/token-arrays.js';
import type { Cost } from '../common/usage.js';
import type { Model } from '../model/model.js';
import { tokenizeMany } from '../model/tokenize-many.js';

/** Options of `rerank`. */
export interface RerankOptions extends CallOptions {
  /** Return only this many of the best documents. Default: all. */
  topN?: number | undefined;
}

/** A document with its score. */
export interface RankedDocument {
  /** Its index in the list of documents passed. */
  index: number;
  /**
   * The model's first raw output for query and document: higher is better, on a scale specific to
   * the model.
   */
  score: number;
  document: string;
}

/** The result of `rerank`. */
export interface Ranking extends Cost {
  /** Best first; ties keep the order of the documents passed. */
  results: RankedDocument[];
}

/** Validates the options. Throws TypeError or RangeError. */
export function readRerankOptions(value: RerankOptions | undefined) {
  const options = checkOptions(value, 'options', ['topN', 'signal']);
  return {
    topN: checkInteger(options.topN ?? 2 ** 31 - 1, 'topN', 1),
    signal: checkSignal(options.signal, 'signal'),
  };
}

/** The `topN` best documents, by score. */
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
 * The tokens of the query joined with each document, as llama.cpp's server joins them: by the
 * model's rerank template, or else as `[BOS] query [EOS] [SEP] document [EOS]` with those special
 * tokens that the vocabulary enables. Control tokens spelled out in a query or document are
 * tokenized as plain text.
 */
export async function joinAll(
  model: Model,
  query: string,
  documents: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Int32Array[]> {
  const template = model.metadata['tokenizer.chat_template.rerank'];
  if (template !== undefined) {
    return Promise.all(
      documents.map((document) => fillTemplate(model, template, { query, document }, signal)),
    );
  }
  const { beforeQuery, between, after } = separators(model);
  const [queryTokens = new Int32Array(0), ...documentTokens] = await tokenizeMany(
    model,
    [query, ...documents],
    false,
    { signal },
  );
  const [before, middle, end] = [beforeQuery, between, after].map((list) => Int32Array.from(list));
  return documentTokens.map((tokens) =>
    concatenateAll([before, queryTokens, middle, tokens, end] as Int32Array[]),
  );
}

function separators({ vocab }: Model) {
  const { bos, eos, sep, addBos, addEos, addSep } = vocab;
  const end = eos ?? sep;
  if (bos === undefined || end === undefined) {
    throw new NotSupportedError(
      'This model has neither a rerank template nor the special tokens to separate query and document',
    );
  }
  const ends = addEos ? [end] : [];
  const separator = addSep && sep !== undefined ? [sep] : [];
  return { beforeQuery: addBos ? [bos] : [], between: [...ends, ...separator], after: ends };
}

/**
 * The tokens of a filled template. If a text spells out a control token, the parts are tokenized
 * separately, so that it stays plain text; otherwise as a whole, as llama.cpp's server does it.
 */
async function fillTemplate(
  model: Model,
  template: string,
  texts: { query: string; document: string },
  signal: AbortSignal | undefined,
): Promise<Int32Array> {
  const parts = template.split(/(\{query\}|\{document\})/).map((part) => {
    if (part === '{query}') return { text: texts.query, isTemplate: false };
    if (part === '{document}') return { text: texts.document, isTemplate: false };
    return { text: part, isTemplate: true };
  });
  const spelled = await Promise.all(
    parts.map(
      async ({ text, isTemplate }) =>
        !isTemplate && (await spellsControlTokens(model, text, signal)),
    ),
  );
  if (!spelled.includes(true)) {
    const whole = parts.map(({ text }) => text).join('');
    return model.tokenize(whole, { parseSpecial: true, signal });
  }
  const lists = await Promise.all(
    parts.map(({ text, isTemplate }) => model.tokenize(text, { parseSpecial: isTemplate, signal })),
  );
  return concatenateAll(lists);
}

/** Whether parsing control tokens in a text changes its tokens. */
async function spellsControlTokens(
  model: Model,
  text: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const [plain, parsed] = await Promise.all([
    model.tokenize(text, { signal }),
    model.tokenize(text, { parseSpecial: true, signal }),
  ]);
  return plain.length !== parsed.length || plain.some((token, index) => token !== parsed[index]);
}
