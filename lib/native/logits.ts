// What the native engine gives of the distribution after a prompt: LLaMa's reads.

import { type Cost, costFromNative } from '../common/usage.js';
import type { Session } from '../context/session.js';

/** Logits after the tokens in `rows`, in `into` where there is one, which is long enough. */
export async function readLogits(
  session: Session,
  tokens: Int32Array,
  rows: Int32Array,
  into: Float32Array | undefined,
  signal: AbortSignal | undefined,
): Promise<{ logits: Float32Array; cost: Cost }> {
  const result = await session.run((native, cancellation) => {
    return native.eval(tokens, rows, cancellation);
  }, signal);
  into?.set(result.logits);
  const logits = into?.subarray(0, result.logits.length) ?? result.logits;
  return { logits, cost: costFromNative(result.usage) };
}

/** The likeliest next tokens, best first. */
export async function readCandidates(
  session: Session,
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
