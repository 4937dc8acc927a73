// Adapts the class OpenAI, which creates it, to what choosing over a server needs: the server, its
// model's tokens, what is known about both, and two of the options.

import type { ChoiceTokenizer } from '../../choose/boundary.js';
import { raceAbort } from '../../common/abort.js';
import { mapConcurrently } from '../../common/parallel.js';
import type { Api } from '../http/api.js';
import type { OpenAISettings } from '../options.js';
import type { Owner } from '../owner.js';
import type { RemoteEngine } from './remote-engine.js';

const asContinuation = { addSpecial: false, parseSpecial: undefined, continuation: true };

/** An LM behind a server, as the choosing strategies see it. */
export class Engine implements RemoteEngine {
  readonly api: Api;
  readonly beginToken: number | undefined;
  readonly strategy: OpenAISettings['strategy'];
  readonly topLogprobsLimit: number | undefined;
  readonly tokenizer: ChoiceTokenizer;
  readonly #owner: Owner;

  constructor(owner: Owner, api: Api, settings: OpenAISettings) {
    this.#owner = owner;
    this.api = api;
    this.beginToken = settings.beginToken;
    this.strategy = settings.strategy;
    this.topLogprobsLimit = settings.topLogprobsLimit;
    this.tokenizer = this.tokenizerFor(undefined);
  }

  tokenizerFor(signal: AbortSignal | undefined): ChoiceTokenizer {
    const owner = this.#owner;
    return {
      prompt: (prompt) => owner.promptTokens(prompt, signal),
      prompts: (texts) => mapConcurrently(texts, (text) => owner.tokenizePrompt(text, signal)),
      texts: async (texts) => {
        const tokenizer = await owner.tokenizer(signal);
        return mapConcurrently(texts, (text) => tokenizer.tokenize(text, asContinuation, signal));
      },
      textOf: async (tokens, special) => {
        const tokenizer = await owner.tokenizer(signal);
        return tokenizer.detokenize(tokens, { special: special || undefined }, signal);
      },
    };
  }

  get vocabularySize(): number | undefined {
    return this.#owner.vocabularySize;
  }

  get contextSize(): number | undefined {
    return this.#owner.contextSize;
  }

  get endOfGeneration(): Int32Array {
    return this.#owner.endOfGeneration;
  }

  /** Starts a call, once the tokenizer's facts (vocabulary size, context size) are known. */
  async admit(signal: AbortSignal | undefined): Promise<void> {
    await this.#owner.admit(signal);
    await raceAbort(this.#owner.tokenizerIfAny(), signal);
  }

  /** The text of one token, special tokens included; U+FFFD for incomplete characters. */
  async textOf(token: number): Promise<string> {
    return (await this.#owner.tokenizer()).textOf(token);
  }

  /** The bytes of one token; undefined if the tokenizer does not know them. */
  async bytesOf(token: number): Promise<Uint8Array | undefined> {
    return (await this.#owner.tokenizer()).bytesOf(token);
  }
}
