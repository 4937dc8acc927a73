// One generation as its engine reports it: chunk by chunk while it runs, and as a whole at its end.

import type { Candidate } from '../common/candidate.js';
import type { CompletionChunk } from '../common/completion.js';
import type { Cost } from '../common/usage.js';
import type { CompletionRequest } from './completion-options.js';

/** The engine's result, from which a Completion is built. */
export interface Generation extends Cost {
  text: string;
  /** Every token, including those of a stop but no end-of-generation token. */
  tokens: Int32Array;
  /** One natural log-probability per token. */
  logprobs: Float64Array;
  /** The most likely tokens for each token, if requested. */
  alternatives?: Candidate[][];
  stopReason: 'eog' | 'stop' | 'length' | 'context' | 'abort';
  stop?: string | number;
  seed?: number;
  /** Milliseconds from the start to the first token; `writeMs`: from the first to the last. */
  firstTokenMs: number;
  writeMs: number;
}

/** Called with each chunk as it is generated. */
export type Emit = (chunk: CompletionChunk) => void;

/** The arguments of one generation; an abort of `stopped` ends it with the partial result. */
export type GenerationRun = [
  tokens: Int32Array,
  request: CompletionRequest,
  emit: Emit | undefined,
  stopped: AbortSignal,
];
