// One position of a token sequence: its token, the token's log-probability and the alternatives.
// Prompt scorers and generation produce these; `logprobs.ts` serializes them.

/** A token and its natural log-probability. */
export interface TokenLogprob {
  token: number;
  logprob: number;
}

/** The token at a position, with alternatives. */
export interface TokenPosition extends TokenLogprob {
  /** The most likely tokens at this position, best first, as many as requested. */
  top: readonly TokenLogprob[];
}

/** The top tokens, plus the position's own token if it is not one of them. */
export function withOwnToken({ token, logprob, top }: TokenPosition): readonly TokenLogprob[] {
  return top.some((other) => other.token === token) ? top : [...top, { token, logprob }];
}

/** What a request cost the engine, in tokens and calls. */
export interface EngineUsage {
  /** Tokens found in the prefix cache. */
  cachedTokens: number;
  /** Decoded tokens; a token shared by several prompts counts once. */
  decodedTokens: number;
  decodeCalls: number;
}

/** An accumulator, all zero. */
export const emptyUsage = (): EngineUsage => ({
  cachedTokens: 0,
  decodedTokens: 0,
  decodeCalls: 0,
});

/** Adds the usage of one LM call to the total. */
export function addUsage(total: EngineUsage, usage: EngineUsage): void {
  total.cachedTokens += usage.cachedTokens;
  total.decodedTokens += usage.decodedTokens;
  total.decodeCalls += usage.decodeCalls;
}

/** The scores of one prompt. */
export interface ScoredPrompt {
  /** One entry per token; undefined for the first, which has no preceding tokens. */
  positions: (TokenPosition | undefined)[];
  /** The most likely token after the prompt, if requested. */
  next: TokenPosition | undefined;
}

/** What to compute for the prompts of one request. */
export interface ScoreRequest {
  /** Number of top tokens to report per position. */
  alternatives: number;
  /** Whether to report the most likely next token, too. */
  next: boolean;
  signal: AbortSignal;
}
