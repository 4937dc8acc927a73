// A thought that is being continued, and the sums by which thoughts are compared. The search in
// TypeScript uses it; native/engine/automaton/thought.h implements the same.

import type { Metric } from '../automaton/actions.js';
import { concatenate } from '../common/token-arrays.js';
import type { PlannedAction } from './plan.js';
import type { ThoughtNode } from './thought-node.js';

/** What was scored along a thought. */
export interface Scored {
  /** Sum of log-probabilities. */
  logprob: number;
  tokens: number;
  /** UTF-8 bytes of the texts. */
  bytes: number;
}

/** A thought that may continue. */
export interface Thought {
  node: ThoughtNode;
  /** All tokens, from the prompt on. */
  context: Int32Array;
  /** Per token of the context its log-probability; NaN for those that are not scored. */
  values: Float64Array;
  scored: Scored;
  /** The action that follows. */
  action: PlannedAction;
}

/** The score of a thought; 0 if nothing is scored. */
export function scoreOf({ logprob, tokens, bytes }: Scored, metric: Metric): number {
  if (metric === 'sum' || logprob === 0) return logprob;
  // Only a text without bytes can have a log-probability and no length.
  return logprob / Math.max(1, metric === 'mean' ? tokens : bytes);
}

/** The divisor of an action's log-probability. */
export function divisorOf(
  normalize: 'none' | 'tokens' | 'bytes' | 'chars',
  tokens: number,
  text: string,
): number {
  if (normalize === 'none') return 1;
  if (normalize === 'tokens') return Math.max(1, tokens);
  if (normalize === 'bytes') return Math.max(1, Buffer.byteLength(text));
  return Math.max(1, [...text].length);
}

/** exp(score) of each over their sum; equal keys count once. */
export function probabilitiesOf(scores: readonly number[], keys?: readonly string[]): number[] {
  const best = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  if (best === -Infinity) return scores.map(() => 0);
  const seen = new Set<string>();
  const total = scores.reduce((sum, score, index) => {
    const key = keys?.[index];
    if (key !== undefined && seen.has(key)) return sum;
    if (key !== undefined) seen.add(key);
    return sum + Math.exp(score - best);
  }, 0);
  return scores.map((score) => Math.exp(score - best) / total);
}

/** A context with more tokens. */
export function extend(
  { context, values }: Pick<Thought, 'context' | 'values'>,
  tokens: Int32Array,
  logprobs: Float64Array,
): Pick<Thought, 'context' | 'values'> {
  const longer = new Float64Array(context.length + tokens.length);
  longer.set(values);
  longer.set(logprobs, context.length);
  return { context: concatenate(context, tokens), values: longer };
}
