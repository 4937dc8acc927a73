// The values that cross between JavaScript and the native search over thoughts. `binding.ts` has its
// signature; lib/thoughts/plan.ts and thought-node.ts describe the fields.

import type { NativeUsage } from './binding-types.js';

interface NativeActionBase {
  normalize: 'none' | 'tokens' | 'bytes' | 'chars';
  width: number;
  threshold: number;
  next: Int32Array;
  forks: boolean;
}

interface NativePathsAction extends NativeActionBase {
  completes: false;
  /** The tokens of all paths, and the number of each. */
  tokens: Int32Array;
  lengths: Int32Array;
  texts: string[];
  terminator: string;
  scored: boolean;
  ends: boolean;
}

interface NativeCompletionAction extends NativeActionBase {
  completes: true;
  maxTokens: number;
  beams: number;
  ahead: number;
  stops: string[];
  /** Bits, the lowest first; empty for none. */
  stopTokens: Uint8Array;
  /** The same; empty for all tokens. */
  allowed: Uint8Array;
  repetition: number;
  diversity: number;
}

export type NativePlannedAction = NativePathsAction | NativeCompletionAction;

export interface NativePlan {
  metric: 'mean' | 'sum' | 'bytes';
  healed: boolean;
  /** What precedes a text that continues another, to be cut off; '' for nothing. */
  guard: string;
  guardTokens: Int32Array;
  endTokens: Int32Array;
  entries: Int32Array;
  /** −1: no limit, here and below. */
  maxThoughts: number;
  maxTokens: number;
  stopAfter: number;
  untilBest: boolean;
  actions: NativePlannedAction[];
}

/** One entry per node, parents first, siblings in order. */
export interface NativeThoughts {
  parents: Int32Array;
  /** −1 for the root. */
  actions: Int32Array;
  /** The path of the action; −1 for a completion. */
  paths: Int32Array;
  replaced: Int32Array;
  /** Index into the reasons of `lib/native/thoughts.ts`, as are `pruned` and `end`. */
  stops: Int32Array;
  /** Index into the action's stops, or −1. */
  stopTexts: Int32Array;
  pruned: Int32Array;
  finished: Int32Array;
  /** Per node: logprob, score, probability, path score, path logprob, decoded tokens. */
  scalars: Float64Array;
  /** Of completions. */
  texts: string[];
  /** The tokens of all nodes, and where those of each node end. */
  tokens: Int32Array;
  tokenEnds: Int32Array;
  logprobs: Float64Array;
  stopTokens: Int32Array;
  stopTokenEnds: Int32Array;
  stopLogprobs: Float64Array;
  end: number;
  usage: NativeUsage;
}
