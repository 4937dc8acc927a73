// The tokenizer of an LM, found by its first use. `openai.ts` keeps one.

import { raceAbort } from '../../common/abort.js';
import { LMError } from '../../common/errors.js';
import type { RemoteTokenizer } from './tokenizer.js';

/** Whether the error means that no tokenizer is available; completions still work without one. */
const isTokenizerMissing = (error: unknown): boolean =>
  error instanceof LMError && (error.code === 'NOT_SUPPORTED' || error.code === 'PEER_MISSING');

/** A tokenizer that all calls of an LM share. */
export class SharedTokenizer {
  readonly #find: () => Promise<RemoteTokenizer>;
  #found: RemoteTokenizer | undefined;
  #pending: Promise<RemoteTokenizer> | undefined;

  /** @param find is not passed a call's signal: other calls may be waiting for the same lookup */
  constructor(find: () => Promise<RemoteTokenizer>) {
    this.#find = find;
  }

  /** The tokenizer, once it is found. */
  get known(): RemoteTokenizer | undefined {
    return this.#found;
  }

  /** The tokenizer. The lookup runs once, and again only if the server failed. */
  async find(signal?: AbortSignal): Promise<RemoteTokenizer> {
    if (this.#found !== undefined) return this.#found;
    this.#pending ??= this.#find().then(
      (tokenizer) => {
        this.#found = tokenizer;
        return tokenizer;
      },
      (error: unknown) => {
        if (!isTokenizerMissing(error)) this.#pending = undefined;
        throw error;
      },
    );
    return raceAbort(this.#pending, signal);
  }

  /** The same, but undefined if none is available. */
  async findIfAny(): Promise<RemoteTokenizer | undefined> {
    try {
      return await this.find();
    } catch (error) {
      if (isTokenizerMissing(error)) return undefined;
      throw error;
    }
  }
}
