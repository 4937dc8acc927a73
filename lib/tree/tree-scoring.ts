// What is asked of a scorer of trees, and what it gives: the border between `choose`, which is
// policy, and its engines. `lib/choose/greedy-tree.ts` is the portable one, `lib/llama.ts` hands this
// to native code.

import type { NodeDetails } from './node-details.js';
import type { TokenChoiceTree } from './token-choice-tree.js';

/**
 * Which choices a search may leave open, and when. Entry i of each array is one distinct choice:
 * its score is logprob / lengths[i] − offsets[i].
 */
export interface SearchRequest {
  /** The node where it ends. */
  nodes: Int32Array;
  /** Positive. */
  lengths: Float64Array;
  offsets: Float64Array;
  /** How often the caller gave it; at least 1. Each copy takes a rank; probabilities count one. */
  copies: Int32Array;
  /** How many of the best, copies counted, must be complete and certain. */
  top: number;
  /**
   * Above 0: the probability interval of each of these must be no wider, or, where `top` is
   * Infinity, it is enough that every choice's is not.
   */
  tolerance: number;
}

/** What is asked of a tree. */
export interface TreeRequest {
  /** Per node: 1 where the end tokens are to be scored. */
  endAt: Uint8Array;
  /** The tokens that may follow there. */
  endTokens: Int32Array;
  /** One path at a time, sharing nothing. */
  sequential: boolean;
  /** Whether {@link TreeScores.details} are wanted. */
  details: boolean;
  /** Best first, leaving open what cannot matter; undefined: every node is scored. */
  search: SearchRequest | undefined;
  signal: AbortSignal | undefined;
}

/** The scores of a tree, one entry per node. */
export interface TreeScores {
  /** log P(token | prompt and path), at most 0; 0 for the root; NaN where a search did not look. */
  logprobs: Float64Array;
  /** log P(an end token follows); NaN where it was not asked for, or a search did not look. */
  ends: Float64Array;
  details?: NodeDetails;
  /** From engines that tell a part of a distribution alone: what that part says of the rest. */
  limits?: TreeLimits;
}

/**
 * The most that can be true of what is NaN in {@link TreeScores}, one entry per node; NaN where
 * nothing is known.
 */
export interface TreeLimits {
  /** Of the node's own log-probability. */
  logprobs: Float64Array;
  /** Of log P(an end token follows). */
  ends: Float64Array;
  /** Of log Σ P over all of its children that are NaN. */
  rests: Float64Array;
}

/** One tree after one prompt. */
export interface TreeTask {
  prompt: Int32Array;
  tree: TokenChoiceTree;
  request: TreeRequest;
}
