// The options and the result of `eval`, and their reading. LLaMa uses it.

import { types } from 'node:util';
import {
  checkInteger,
  checkOptions,
  checkSignal,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';
import type { Cost } from '../common/usage.js';
import { readLogits } from '../native/logits.js';
import type { Session } from './session.js';

/** Options of `eval`. */
export interface EvalOptions extends CallOptions {
  /**
   * After which of the prompt's tokens: `'last'` (default), `'all'`, or ascending positions
   * from 0.
   */
  logits?: 'last' | 'all' | readonly number[] | undefined;
  /** Where to put the logits, if not into new memory: at least rows × vocabulary long. */
  into?: Float32Array | undefined;
}

/** What `eval` gives. */
export interface Evaluation extends Cost {
  /** rows × vocabulary, row-major, raw. A part of `into`, if that was given. */
  logits: Float32Array;
  /** How many rows there are. */
  rows: number;
}

/** What {@link readEvalOptions} makes of the options. */
export interface EvalRequest {
  logits: 'last' | 'all' | readonly number[];
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

/** Checks the options; throws TypeError or RangeError. */
export function readEvalOptions(value: EvalOptions | undefined): EvalRequest {
  const {
    logits = 'last',
    into,
    signal,
  } = checkOptions(value, 'options', ['logits', 'into', 'signal']);
  if (into !== undefined && !types.isFloat32Array(into)) {
    throw wrongType('a Float32Array', 'into', into);
  }
  return { logits: readPositions(logits), into, signal: checkSignal(signal, 'signal') };
}

/** The positions that are asked for, of a prompt of this length; throws RangeError. */
export function rowsOf(logits: EvalRequest['logits'], length: number): Int32Array {
  if (logits === 'last') return Int32Array.of(length - 1);
  if (logits === 'all') return Int32Array.from({ length }, (_, position) => position);
  let above = -1;
  for (const [index, position] of logits.entries()) {
    const min = above + 1;
    if (position < min || position >= length) {
      const what = `a position above the one before it, below the prompt's length of ${length},`;
      throw wrongRange(what, `logits[${index}]`, position);
    }
    above = position;
  }
  return Int32Array.from(logits);
}

/** Checks that the rows fit; throws RangeError. */
export function checkInto(into: Float32Array | undefined, size: number): void {
  if (into !== undefined && into.length < size) {
    throw wrongRange(`at least ${size} elements`, 'into', into);
  }
}

/**
 * The logits that a checked `eval` asks for; throws RangeError for positions and `into` that do
 * not fit the prompt.
 */
export async function evaluate(
  session: Session,
  tokens: Int32Array,
  { logits: which, into, signal }: EvalRequest,
): Promise<{ logits: Float32Array; rows: number; cost: Cost }> {
  const rows = rowsOf(which, tokens.length);
  checkInto(into, rows.length * session.model.vocab.size);
  const { logits, cost } = await readLogits(session, tokens, rows, into, signal);
  return { logits, rows: rows.length, cost };
}
