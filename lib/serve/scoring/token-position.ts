// One place of a text: which token stands in it, how likely that was, and what was likelier.
// Scorers of prompts and writers of text fill them in; `logprobs.ts` writes them as JSON.

/** A token and its natural log-probability. */
export interface Likely {
  token: number;
  logprob: number;
}

/** What there is to tell of one token. */
export interface Place extends Likely {
  /** The likeliest in its place, best first, as many as were asked for. */
  top: readonly Likely[];
}

/** The likeliest and, where it is none of them, the token itself. */
export function withOwn({ token, logprob, top }: Place): readonly Likely[] {
  return top.some((other) => other.token === token) ? top : [...top, { token, logprob }];
}

/** What scoring cost, in tokens and calls. */
export interface Spent {
  /** Tokens found in the prefix cache. */
  cachedTokens: number;
  /** Tokens that were decoded, each once for all prompts that share it. */
  decodedTokens: number;
  decodeCalls: number;
}

/** Nothing yet, to add to. */
export const nothingSpent = (): Spent => ({ cachedTokens: 0, decodedTokens: 0, decodeCalls: 0 });

/** Adds what a call of the LM cost. */
export function spend(total: Spent, cost: Spent): void {
  total.cachedTokens += cost.cachedTokens;
  total.decodedTokens += cost.decodedTokens;
  total.decodeCalls += cost.decodeCalls;
}

/** The tokens of one prompt, told. */
export interface ScoredPrompt {
  /** One entry per token; undefined for the first, which stands after nothing. */
  places: (Place | undefined)[];
  /** The likeliest token after the prompt, if that was asked for. */
  next: Place | undefined;
}

/** What is asked of the prompts of one request. */
export interface ScoreRequest {
  /** How many of the likeliest tokens are told in each place. */
  alternatives: number;
  /** Whether to tell what comes next, too. */
  next: boolean;
  signal: AbortSignal;
}
