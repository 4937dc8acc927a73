// What choosing over a server needs of the class OpenAI, which makes one of these: the server, the
// tokens of its model, what is known of both, and two of the options.

import type { Prompt } from '../arguments.js';
import type { SeamTokenizer } from '../boundary.js';
import type { Api } from './api.js';
import type { OpenAISettings } from './options.js';
import { askEach } from './parallel.js';
import type { RemoteEngine } from './remote-engine.js';
import type { RemoteTokenizer } from './tokenizer.js';

/** The LM as its engine sees it; what tokenizers tell may be known later. */
export interface EngineOwner {
  readonly vocabularySize: number | undefined;
  readonly contextSize: number | undefined;
  readonly endOfGeneration: Int32Array;
}

/** The calls that an engine makes of its LM. */
export interface EngineCalls {
  admit(signal: AbortSignal | undefined): Promise<void>;
  promptTokens(prompt: Prompt): Promise<Int32Array>;
  /** The same of a text, which may have none. */
  tokenizePrompt(text: string): Promise<Int32Array>;
  tokenizer(): Promise<RemoteTokenizer>;
}

const asText = { addSpecial: false, parseSpecial: undefined };

/** An LM before a server, for its ways of choosing. */
export class Engine implements RemoteEngine {
  readonly api: Api;
  readonly beginToken: number | undefined;
  readonly strategy: OpenAISettings['strategy'];
  readonly topLogprobsLimit: number | undefined;
  readonly tokenizer: SeamTokenizer;
  readonly #owner: EngineOwner;
  readonly #calls: EngineCalls;

  constructor(owner: EngineOwner, calls: EngineCalls, api: Api, settings: OpenAISettings) {
    this.#owner = owner;
    this.#calls = calls;
    this.api = api;
    this.beginToken = settings.beginToken;
    this.strategy = settings.strategy;
    this.topLogprobsLimit = settings.topLogprobsLimit;
    this.tokenizer = {
      prompt: (prompt) => calls.promptTokens(prompt),
      prompts: (texts) => askEach(texts, (text) => calls.tokenizePrompt(text)),
      texts: async (texts) => {
        const tokenizer = await calls.tokenizer();
        return askEach(texts, (text) => tokenizer.tokenize(text, asText));
      },
      textOf: async (tokens, special) => {
        const tokenizer = await calls.tokenizer();
        return tokenizer.detokenize(tokens, { special: special || undefined });
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

  /** Begins a call, for which all is known that the tokenizer tells. */
  admit(signal: AbortSignal | undefined): Promise<void> {
    return this.#calls.admit(signal);
  }

  /** The text of one token, a special one's included; U+FFFD for bytes that are no text. */
  async textOf(token: number): Promise<string> {
    return (await this.#calls.tokenizer()).textOf(token);
  }

  /** The bytes of one token; undefined where the tokenizer does not tell them. */
  async bytesOf(token: number): Promise<Uint8Array | undefined> {
    return (await this.#calls.tokenizer()).bytesOf(token);
  }
}
