// `LLaMa.eval`: its options, their validation, its result, and its execution in a Session.

import { types } from 'node:util';
import {
  checkInteger,
  checkOptions,
  checkSignal,
  checkTokens,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import { ContextOverflowError } from '../common/errors.js';
import { roomAfter } from '../common/room.js';
import type { Cost } from '../common/usage.js';
import { readLogits } from '../native/logits.js';
import type { Session } from './session.js';

/** Options of `eval`. */
export interface EvalOptions extends CallOptions {
  /**
   * The positions in the prompt and its continuation whose logits to return: `'last'` (default),
   * `'all'`, or ascending positions from 0. In an encoder-decoder, whose prompt has no logits, those
   * in the decoder's start token (position 0) and the continuation.
   */
  logits?: 'last' | 'all' | readonly number[] | undefined;
  /**
   * Token ids that follow the prompt; in an encoder-decoder, the decoder's start token. Default:
   * none.
   */
  continuation?: Int32Array | undefined;
  /** The buffer for the logits, at least rows × vocabulary elements. Default: a new one. */
  into?: Float32Array | undefined;
}

/** The result of `eval`. */
export interface Evaluation extends Cost {
  /** Raw logits, rows × vocabulary, row-major. A view of `into`, if given. */
  logits: Float32Array;
  /** The number of rows. */
  rows: number;
}

/** The result of {@link readEvalOptions}. */
export interface EvalRequest {
  logits: 'last' | 'all' | readonly number[];
  continuation: Int32Array;
  into: Float32Array | undefined;
  signal: AbortSignal | undefined;
}

function readPositions(value: unknown): EvalRequest['logits'] {
  if (value === 'last' || value === 'all') return value;
  if (!Array.isArray(value))
    throw wrongType("'last', 'all' or an array of positions", 'logits', value);
  if (value.length === 0) throw wrongRange('at least one position', 'logits', value);
  return value.map((position, index) => checkInteger(position, `logits[${index}]`, 0));
}

/** Validates the options. Throws TypeError or RangeError. */
export function readEvalOptions(
  value: EvalOptions | undefined,
  vocabularySize: number | undefined,
): EvalRequest {
  const names = ['logits', 'continuation', 'into', 'signal'] as const;
  const { logits = 'last', into, signal, ...rest } = checkOptions(value, 'options', names);
  const { continuation = new Int32Array(0) } = rest;
  if (into !== undefined && !types.isFloat32Array(into)) {
    throw wrongType('a Float32Array', 'into', into);
  }
  return {
    logits: readPositions(logits),
    continuation: checkTokens(continuation, 'continuation', vocabularySize).slice(),
    into,
    signal: checkSignal(signal, 'signal'),
  };
}

/** The requested positions in a sequence of this length. Throws RangeError. */
export function rowsOf(logits: EvalRequest['logits'], length: number): Int32Array {
  if (logits === 'last') return Int32Array.of(length - 1);
  if (logits === 'all') return Int32Array.from({ length }, (_, position) => position);
  let previous = -1;
  for (const [index, position] of logits.entries()) {
    const min = previous + 1;
    if (position < min || position >= length) {
      const what = `a position above the previous one and below the length of ${length}`;
      throw wrongRange(what, `logits[${index}]`, position);
    }
    previous = position;
  }
  return Int32Array.from(logits);
}

/** Checks that `size` logits fit into the buffer. Throws RangeError. */
export function checkInto(into: Float32Array | undefined, size: number): void {
  if (into !== undefined && into.length < size) {
    throw wrongRange(`at least ${size} elements`, 'into', into);
  }
}

/**
 * Runs a validated `eval` request.
 *
 * @throws RangeError for positions outside the sequence, or an `into` that is too small;
 * ContextOverflowError
 */
export async function evaluate(
  session: Session,
  tokens: Int32Array,
  { logits: which, continuation, into, signal }: EvalRequest,
): Promise<{ logits: Float32Array; rows: number; cost: Cost }> {
  const { length } = tokens;
  if (continuation.length > roomAfter(session, length)) {
    throw new ContextOverflowError(
      `The prompt of ${length} tokens and a continuation of ${continuation.length} do not fit in the context of ${session.contextSize}`,
    );
  }
  const rows = rowsOf(which, (session.encoderDecoder ? 1 : length) + continuation.length);
  checkInto(into, rows.length * session.model.vocab.size);
  const { logits, cost } = await readLogits(session, tokens, continuation, rows, into, signal);
  return { logits, rows: rows.length, cost };
}
