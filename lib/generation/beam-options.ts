// The options and the result of `beamSearch`, and the reading of the former. The rules are
// those of Hugging Face Transformers, whose names they bear.

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
  /** How many texts are followed at a time, 1 to 64. Default 4. */
  beams?: number | undefined;
  /** How many texts to give, at most `beams`. Default 1. */
  returnSequences?: number | undefined;
  /**
   * A text's score is its log-probability divided by its length in tokens (its end token
   * counted) to this power: above 0 favours longer texts. Default 1.
   */
  lengthPenalty?: number | undefined;
  /**
   * Once as many texts have ended as there are beams: `true` stops at once, `false` when the
   * best open one would be no better than the worst of them if it ended now, `'never'` when it
   * could not become better at any length. Default false.
   */
  earlyStopping?: boolean | 'never' | undefined;
  /** Most tokens of a text. Default 128. */
  maxTokens?: number | undefined;
  /** Texts that end a text, which is cut before them. Default none. */
  stop?: string | readonly string[] | undefined;
}

/** One text of a beam search. */
export interface BeamSequence {
  text: string;
  /** Every token, those of a stop included; no end-of-generation token. */
  tokens: Int32Array;
  /** One natural log-probability per token. */
  logprobs: Float64Array;
  /** Their sum, with that of the end token where one ended the text. */
  logprob: number;
  /** What the texts are ranked by: see `lengthPenalty`. */
  score: number;
  stopReason: 'eog' | 'stop' | 'length';
  /** The stop that was met. */
  stop?: string;
}

/** What `beamSearch` gives. */
export interface BeamSearchResult extends Cost {
  /** Best first. */
  beams: BeamSequence[];
}

/** What {@link readBeamOptions} makes of the options: every field present and checked. */
export interface BeamRequest {
  beams: number;
  returnSequences: number;
  lengthPenalty: number;
  earlyStopping: 'yes' | 'no' | 'never';
  maxTokens: number;
  stops: string[];
  signal: AbortSignal | undefined;
}

const mostBeams = 64;
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
  if (stopTokens.length > 0) throw wrongRange('texts', 'stop', stopTokens[0]);
  const beams = checkInteger(options.beams ?? 4, 'beams', 1, mostBeams);
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
