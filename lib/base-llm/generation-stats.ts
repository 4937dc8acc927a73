// What a generation took. BaseLLM measures it with a clock; LocalLLM reports what its LM measured.

/** What a generation took. Of a batch or a beam search: all of it. */
export interface GenerationStats {
  /** From the call to its result, in milliseconds. */
  durationMs: number;
  /** From the call to the first token, in milliseconds; undefined if unknown. */
  firstTokenMs?: number | undefined;
  /** How many tokens were generated; undefined if unknown. */
  tokens?: number | undefined;
  /** How many tokens the prompts have; undefined if unknown. */
  promptTokens?: number | undefined;
}

/** Tokens per second over the whole call. */
export const speedOf = (tokens: number, durationMs: number): number =>
  durationMs > 0 ? (tokens / durationMs) * 1000 : 0;
