// The interface through which choosing over a server sees the class OpenAI: the server, its model's
// tokens, and what is known about both. `choose.ts` and the strategies use it.

import type { ChoiceTokenizer } from '../../choose/boundary.js';
import type { Api } from '../http/api.js';

/** The strategies of choosing over a server. */
export const strategies = ['echo', 'logprobs', 'bias', 'prompted'] as const;

/** How a choice is determined: see `docs/openai-choose.md`. */
export type Strategy = (typeof strategies)[number];

/** The values of the option `strategy`. */
export const strategyOptions = ['auto', ...strategies] as const;

/** A {@link Strategy}, or `'auto'`: the first of them that the server supports. */
export type StrategyOption = (typeof strategyOptions)[number];

/** A server and its model. */
export interface RemoteEngine {
  readonly api: Api;
  /** Undefined if unknown. */
  readonly vocabularySize: number | undefined;
  /** Undefined if unknown. */
  readonly contextSize: number | undefined;
  /** The end-of-generation tokens; empty if unknown. */
  readonly endOfGeneration: Int32Array;
  /** The token used as the context of an empty `prior`. */
  readonly beginToken: number | undefined;
  readonly strategy: StrategyOption;
  /** Maximum number of top tokens to request; undefined for the server's own limit, up to 1,000. */
  readonly topLogprobsLimit: number | undefined;
  readonly tokenizer: ChoiceTokenizer;
  /** The same, whose requests an abort of the signal stops. */
  tokenizerFor(signal: AbortSignal | undefined): ChoiceTokenizer;
  /** The text of one token, control tokens included; U+FFFD for incomplete characters. */
  textOf(token: number): Promise<string>;
  /** The bytes of one token; undefined if the tokenizer does not know them. */
  bytesOf(token: number): Promise<Uint8Array | undefined>;
  /** Starts a call; throws if the LM is closed or the signal is aborted. */
  admit(signal: AbortSignal | undefined): Promise<void>;
}
