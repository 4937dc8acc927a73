// The options and result of `beamSearch`, and the validation of the options. Names and semantics
// follow Hugging Face Transformers.

import {
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptions,
  checkSignal,
  wrongRange,
} from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import type { Cost } from '../common/usage.js';
import { readCompletionDefaults } from './completion-options.js';

/** Options of `beamSearch`. */
export interface BeamOptions extends CallOptions {
  /** Beam width: 1 to 64, or as many as the context has branches for, two each. Default 4. */
  beams?: number | undefined;
  /** How many sequences to return, at most `beams`. Default 1. */
  returnSequences?: number | undefined;
  /**
   * A sequence's score is its log-probability divided by its length in tokens (including its end
   * token) raised to this power: values above 0 favor longer sequences. Default 1.
   */
  lengthPenalty?: number | undefined;
  /**
   * When to stop once `beams` sequences are finished. `true`: at once. `false`: when the best
   * unfinished sequence, if it ended now, would score no better than the worst finished one.
   * `'never'`: when it cannot score better at any length. Default false.
   */
  earlyStopping?: boolean | 'never' | undefined;
  /** Maximum number of tokens of a sequence. Default 128. */
  maxTokens?: number | undefined;
  /** Stop strings: a sequence ends at the first one, which is cut off. Default none. */
  stop?: string | readonly string[] | undefined;
}

/** One sequence of a beam search. */
export interface BeamSequence {
  text: string;
  /** Every token, including those of a stop but no end-of-generation token. */
  tokens: Int32Array;
  /** One natural log-probability per token. */
  logprobs: Float64Array;
  /** The sum of `logprobs`, plus that of the end token if one ended the sequence. */
  logprob: number;
  /** The length-normalized log-probability that ranks the sequences: see `lengthPenalty`. */
  score: number;
  stopReason: 'eog' | 'stop' | 'length';
  /** The stop string that ended the sequence. */
  stop?: string;
}

/** The result of `beamSearch`. */
export interface BeamSearchResult extends Cost {
  /** Best first. */
  beams: BeamSequence[];
}

/** The options after {@link readBeamOptions}: complete and checked. */
export interface BeamRequest {
  beams: number;
  returnSequences: number;
  lengthPenalty: number;
  earlyStopping: 'yes' | 'no' | 'never';
  maxTokens: number;
  stops: string[];
  signal: AbortSignal | undefined;
}

const maxBeams = 64;
const defaultMaxTokens = 128;

function readEarlyStopping(value: unknown): BeamRequest['earlyStopping'] {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return checkOneOf(value, 'earlyStopping', ['never']);
}

/** Checks the options; throws TypeError or RangeError. */
export function readBeamOptions(value: BeamOptions | undefined): BeamRequest {
  const names = [
    'beams',
    'returnSequences',
    'lengthPenalty',
    'earlyStopping',
    'maxTokens',
    'stop',
    'signal',
  ] as const;
  const options = checkOptions(value, 'options', names);
  const { stops = [], stopTokens = [] } = readCompletionDefaults({ stop: options.stop }, '');
  if (stopTokens.length > 0) throw wrongRange('stop strings only', 'stop', stopTokens[0]);
  const beams = checkInteger(options.beams ?? 4, 'beams', 1, maxBeams);
  return {
    beams,
    returnSequences: checkInteger(options.returnSequences ?? 1, 'returnSequences', 1, beams),
    lengthPenalty: checkNumber(options.lengthPenalty ?? 1, 'lengthPenalty'),
    earlyStopping: readEarlyStopping(options.earlyStopping ?? false),
    maxTokens: checkInteger(options.maxTokens ?? defaultMaxTokens, 'maxTokens', 1),
    stops,
    signal: checkSignal(options.signal, 'signal'),
  };
}
