// The result of a generation: what calls resolve with, readers of streams are handed, and errors carry of a generation
// that broke off.

import type { Candidate } from './candidate.js';
import type { Cost } from './usage.js';

/** What was written since the last chunk. */
export interface CompletionChunk {
  /**
   * Whole characters, and nothing that a stop text may begin with: it may lag behind the tokens,
   * and be empty.
   */
  text: string;
  /** One token, or none where text is left over at the end. */
  tokens: Int32Array;
  /** Of the token, natural. */
  logprobs: Float64Array;
  /** Per token, if asked for: the likeliest, best first. */
  alternatives?: Candidate[][];
}

/** What ended a completion. */
export type StopReason = 'eog' | 'stop' | 'length' | 'abort' | 'callback';

/** What `complete` gives. */
export interface Completion extends Cost {
  /** The text, up to the stop. */
  text: string;
  /** Every token that was generated, those of a stop included; no end-of-generation token. */
  tokens: Int32Array;
  /**
   * One natural log-probability per token: the model's own, over the whole vocabulary, whatever
   * the sampler or a grammar made of it.
   */
  logprobs: Float64Array;
  /** Their sum. */
  logprob: number;
  /**
   * An end-of-generation token, a stop, `maxTokens` (or the context) used up, an abort, or
   * `onToken` or the stream's reader who wanted no more.
   */
  stopReason: StopReason;
  /** The stop that was met. */
  stop?: string | number;
  /** The seed of the sampler, where chance had a part: it writes the same text again. */
  seed?: number;
  /** Per token, if asked for: the likeliest, best first. */
  alternatives?: Candidate[][];
  performance: CompletionPerformance;
}

/** How quickly it was written, by a clock that nobody sets. */
export interface CompletionPerformance {
  /** Milliseconds from the call to the first token, waiting and tokenizing included. */
  firstTokenMs: number;
  /** Tokens per second after the first; 0 where there is none. */
  tokensPerSecond: number;
  /** Tokens of the prompt per second, of those that were not cached; 0 where all were. */
  promptTokensPerSecond: number;
}
