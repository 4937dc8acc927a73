// Reads the next-token distribution from the native engine, for LLaMa.

import { wrongRange } from '../common/arguments.js';
import type { Cost } from '../common/usage.js';
import type { Runner } from './runner.js';
import { costFromNative } from './usage.js';

/** The logits after the positions in `rows`, copied to `into` if given, which is long enough. */
export async function readLogits(
  session: Runner,
  tokens: Int32Array,
  continuation: Int32Array,
  rows: Int32Array,
  into: Float32Array | undefined,
  signal: AbortSignal | undefined,
): Promise<{ logits: Float32Array; cost: Cost }> {
  const result = await session.run((native, cancellation) => {
    return native.eval(tokens, continuation, rows, cancellation);
  }, signal);
  const logits = into === undefined ? result.logits : copyInto(into, result.logits);
  return { logits, cost: costFromNative(result.usage) };
}

/** Copies the logits to the beginning of a buffer, which may have been resized or transferred meanwhile. */
function copyInto(into: Float32Array, logits: Float32Array): Float32Array {
  try {
    // Not `subarray`, which calls a subclass's constructor.
    const view = new Float32Array(into.buffer, into.byteOffset, logits.length);
    view.set(logits);
    return view;
  } catch {
    throw wrongRange(`still at least ${logits.length} elements`, 'into', into);
  }
}

/** The log-probability of every token after a prompt. */
export async function readLogprobs(
  session: Runner,
  tokens: Int32Array,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const result = await session.run((native, cancellation) => {
    return native.logprobs(tokens, cancellation);
  }, signal);
  return result.logprobs;
}

/** The most likely next tokens, best first. */
export async function readCandidates(
  session: Runner,
  tokens: Int32Array,
  k: number,
  signal: AbortSignal | undefined,
): Promise<{ token: number; logprob: number }[]> {
  const count = Math.min(k, session.model.vocab.size);
  const best = await session.run((native, cancellation) => {
    return native.candidates(tokens, count, cancellation);
  }, signal);
  return Array.from(best.tokens, (token, index) => {
    return { token, logprob: best.logprobs[index] as number };
  });
}
