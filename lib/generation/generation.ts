// One generation as its engine reports it: the chunks while it runs, the whole at its end.

import type { Candidate } from '../common/candidate.js';
import type { CompletionChunk } from '../common/completion.js';
import type { Cost } from '../common/usage.js';

/** What was written, before it is a Completion. */
export interface Generation extends Cost {
  text: string;
  /** Every token, those of a stop included; no end-of-generation token. */
  tokens: Int32Array;
  /** One per token. */
  logprobs: Float64Array;
  /** Per token, if asked for. */
  alternatives?: Candidate[][];
  stopReason: 'eog' | 'stop' | 'length' | 'context' | 'abort';
  stop?: string | number;
  seed?: number;
  /** Milliseconds from the work's start to the first token, and from there to the last. */
  firstTokenMs: number;
  writeMs: number;
}

/** Told of each token as it is written. */
export type Emit = (chunk: CompletionChunk) => void;
