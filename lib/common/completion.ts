// The result of a generation: calls resolve with it, streams deliver it in chunks, and errors of an
// interrupted generation carry the partial result.

import type { Candidate } from './candidate.js';
import type { Cost } from './usage.js';

/** The part of a completion that was generated since the previous chunk. */
export interface CompletionChunk {
  /**
   * Complete characters only, and nothing that may be the beginning of a stop string. Hence it may
   * lag behind the tokens and be empty.
   */
  text: string;
  /** One token, or none if the chunk only flushes held-back text at the end. */
  tokens: Int32Array;
  /** Natural log-probability of the token. */
  logprobs: Float64Array;
  /** Per token, if requested: the most likely tokens, best first. */
  alternatives?: Candidate[][];
}

/** What ended a completion. */
export type StopReason = 'eog' | 'stop' | 'length' | 'abort' | 'callback';

/** The result of `complete`. */
export interface Completion extends Cost {
  /** The text before the stop. */
  text: string;
  /** Every generated token, including those of a stop but no end-of-generation token. */
  tokens: Int32Array;
  /**
   * One natural log-probability per token, of the model's own distribution over the whole
   * vocabulary: before the sampler or a grammar changed it.
   */
  logprobs: Float64Array;
  /** The sum of `logprobs`. */
  logprob: number;
  /**
   * `'eog'`: an end-of-generation token; `'stop'`: a stop string or token; `'length'`: `maxTokens`
   * or the end of the context; `'abort'`: the signal; `'callback'`: `onToken` returned false, or
   * the stream's reader left.
   */
  stopReason: StopReason;
  /** The stop string or token that ended the completion. */
  stop?: string | number;
  /** The sampler's seed, if sampling was random: with it the same text is generated again. */
  seed?: number;
  /** Per token, if requested: the most likely tokens, best first. */
  alternatives?: Candidate[][];
  performance: CompletionPerformance;
}

/** Generation speed, measured with a monotonic clock. */
export interface CompletionPerformance {
  /** Milliseconds from the call to the first token, including queueing and tokenization. */
  firstTokenMs: number;
  /** Tokens per second after the first; 0 if there is only one. */
  tokensPerSecond: number;
  /** Uncached prompt tokens per second; 0 if all were cached. */
  promptTokensPerSecond: number;
}
