// The sets of tokens of a completion: those that it may have, and those that end it. `plan.ts` calls it.

import type { Automaton } from '../automaton/automaton.js';
import type { ResolvedComplete } from '../automaton/resolve-action.js';
import type { ChoiceTokenizer } from '../choose/boundary.js';
import type { TokenSet } from './token-set.js';

/** What resolving requires of an LM. */
export interface TokenEngine {
  readonly vocabularySize: number | undefined;
  readonly endOfGeneration: Int32Array;
  readonly tokenizer: ChoiceTokenizer;
  tokenTexts(tokens: Int32Array): Promise<ReadonlyMap<number, string>>;
}

/** The stops and allowed tokens of a completion. */
export interface CompletionTokens {
  stops: readonly string[];
  /** Tokens that end the text. */
  stopTokens: TokenSet | undefined;
  /** The tokens that may be generated, with stop tokens and ends of generation; undefined: all. */
  allowed: TokenSet | undefined;
}

export async function resolveTokens(
  _engine: TokenEngine,
  _automaton: Automaton,
  action: ResolvedComplete,
  _name: string,
): Promise<CompletionTokens> {
  const stops = action.stop.filter((stop) => typeof stop === 'string');
  return { stops, stopTokens: undefined, allowed: undefined };
}
