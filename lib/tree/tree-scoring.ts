// The interface of tree scorers: requests and scores. It separates `choose`, which is policy, from
// the engines: `lib/choose/greedy-tree.ts` is the portable one, `lib/native/trees.ts` calls native
// code.

import type { NodeDetails } from './node-details.js';
import type { TokenChoiceTree } from './token-choice-tree.js';

/**
 * The goal of a search: what it must know before it may stop. Entry i of each array is one distinct
 * choice with score logprob / lengths[i] − offsets[i]; offsets come from the prior.
 */
export interface SearchRequest {
  /** The node where the choice ends. */
  nodes: Int32Array;
  /** The divisor of its log-probability; positive. */
  lengths: Float64Array;
  offsets: Float64Array;
  /** How often the caller passed it, at least 1. Copies rank separately but count once. */
  copies: Int32Array;
  /** How many of the best choices, copies counted, must be complete and certain. */
  top: number;
  /**
   * If above 0, the maximum width of the probability interval of each of these choices. With
   * `top` Infinity the search stops as soon as no choice has a wider interval.
   */
  tolerance: number;
}

/** How to score a tree. */
export interface TreeRequest {
  /** Per node: 1 if the end tokens are scored after it. */
  endAt: Uint8Array;
  /** The end tokens: the alternatives that may follow such a node. */
  endTokens: Int32Array;
  /** Score one path at a time, without sharing prefixes. */
  sequential: boolean;
  /** Whether to return {@link TreeScores.details}. */
  details: boolean;
  /** Search best-first and skip what cannot matter; undefined: score every node. */
  search: SearchRequest | undefined;
  signal: AbortSignal | undefined;
}

/** The scores of a tree, one entry per node. */
export interface TreeScores {
  /** log P(token | prompt and path) ≤ 0; 0 for the root; NaN where a search did not evaluate it. */
  logprobs: Float64Array;
  /** log P(an end token follows); NaN if not requested, or not evaluated by a search. */
  ends: Float64Array;
  details?: NodeDetails;
  /** From engines that report only part of a distribution: upper bounds for the rest. */
  limits?: TreeLimits;
  /** Whether calls and times of its cost are those of several trees that were scored together. */
  together?: boolean;
}

/** Upper bounds of the values that are NaN in {@link TreeScores}, one entry per node; NaN: none. */
export interface TreeLimits {
  /** Upper bound of the node's own log-probability. */
  logprobs: Float64Array;
  /** Upper bound of log P(an end token follows). */
  ends: Float64Array;
  /** Upper bound of log Σ P over all of its children that are NaN. */
  rests: Float64Array;
}

/** One tree after one prompt. */
export interface TreeTask {
  prompt: Int32Array;
  tree: TokenChoiceTree;
  request: TreeRequest;
}
