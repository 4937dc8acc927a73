// The tokens of many texts, as a conversation consists of. A LLaMa tokenizes them in a few native
// jobs; other LMs one by one. `render-tokens.ts` owns one for each LM.

import type { LM } from '../lm.js';

/** The cache is cleared when it grows beyond this many texts. */
const maxCached = 4096;
/** The most texts of one native job, whose results are converted at once. */
const maxTexts = 4096;

/** How texts are tokenized. */
export interface Parsing {
  /** Whether special tokens are parsed. */
  parseSpecial: boolean;
  /** Whether the text follows another one. */
  continuation: boolean;
}

/** Tokenizes texts for one LM, and remembers those of recent conversations. */
export class TextTokens {
  readonly #lm: LM;
  #cache = new Map<string, Int32Array>();

  constructor(lm: LM) {
    this.#lm = lm;
  }

  /** The tokens of each text. */
  async all(
    texts: readonly string[],
    parsing: Parsing,
    signal: AbortSignal | undefined,
  ): Promise<Int32Array[]> {
    // Another call may replace the cache meanwhile.
    const cache = this.#cache;
    const prefix = `${Number(parsing.parseSpecial)}${Number(parsing.continuation)}`;
    const missing = [...new Set(texts)].filter((text) => !cache.has(prefix + text));
    for (let start = 0; start < missing.length; start += maxTexts) {
      const some = missing.slice(start, start + maxTexts);
      const lists = await this.#lm.tokenizeEach(some, { ...parsing, signal });
      for (const [index, text] of some.entries()) {
        cache.set(prefix + text, lists[index] as Int32Array);
      }
    }
    const found = texts.map((text) => cache.get(prefix + text) as Int32Array);
    if (cache.size > maxCached) this.#cache = new Map();
    return found;
  }

  /** The tokens of one text. */
  async one(text: string, parsing: Parsing, signal?: AbortSignal): Promise<Int32Array> {
    const [tokens] = await this.all([text], parsing, signal);
    return tokens as Int32Array;
  }
}
