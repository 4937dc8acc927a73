// What choosing over a server needs of the class OpenAI: the server itself, the tokens of its
// model, and what is known of both. `lib/openai/choose/choose.ts` and the strategies use it.

import type { ChoiceTokenizer } from '../../choose/boundary.js';
import type { Api } from '../http/api.js';

/** The ways of choosing over a server. */
export const strategies = ['echo', 'logprobs', 'bias', 'prompted'] as const;

/** How a choice is found: see `docs/openai-choose.md`. */
export type Strategy = (typeof strategies)[number];

/** What a caller may ask for: one of the ways, or the best that the server allows. */
export const strategyOptions = ['auto', ...strategies] as const;

/** A {@link Strategy}, or `'auto'`: the first of them that the server allows. */
export type StrategyOption = (typeof strategyOptions)[number];

/** A server and its model. */
export interface RemoteEngine {
  readonly api: Api;
  /** Undefined where it is not known. */
  readonly vocabularySize: number | undefined;
  /** Undefined where it is not known. */
  readonly contextSize: number | undefined;
  /** The tokens that end a text; empty where they are not known. */
  readonly endOfGeneration: Int32Array;
  /** What stands where nothing is before a text. */
  readonly beginToken: number | undefined;
  readonly strategy: StrategyOption;
  /** The largest number of likeliest tokens to ask for; undefined: what the server allows, up to 1,000. */
  readonly topLogprobsLimit: number | undefined;
  readonly tokenizer: ChoiceTokenizer;
  /** The text of one token, a control token's name included; U+FFFD for bytes that are no text. */
  textOf(token: number): Promise<string>;
  /** The bytes of one token; undefined where the tokenizer does not tell them. */
  bytesOf(token: number): Promise<Uint8Array | undefined>;
  /** Begins a call; throws where the LM is closed or the signal aborted. */
  admit(signal: AbortSignal | undefined): Promise<void>;
}
