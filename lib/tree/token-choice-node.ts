// The public view of one node of a TokenChoiceTree, as `TokenChoiceTree.nodes()` returns it.

/** The most likely token at a node's position. */
export interface BestToken {
  token: number;
  text: string;
  /** log P(token | prompt and path). */
  logprob: number;
  probability: number;
}

/**
 * One node of the tree. Values that are unknown are absent: before scoring, and where a search did
 * not evaluate them.
 */
export interface TokenChoiceNode {
  /** Its index in depth-first order; 0 is the root, which represents the end of the prompt. */
  index: number;
  /** Its token id; −1 for the root. */
  token: number;
  /** The token's text. */
  text?: string;
  /** The parent's index; −1 for the root. */
  parent: number;
  /** Its number of tokens after the prompt; 0 for the root. */
  depth: number;
  /** Indices of its children, in order of first use by a choice. */
  children: number[];
  /** Indices of the choices that end here. */
  choices: number[];
  /** log P(token | prompt and path); 0 for the root. */
  logprob?: number;
  /** Sum of the log-probabilities from the root to here. */
  cumulative?: number;
  /** log P(an end-of-generation token follows), if requested. */
  end?: number;
  /** With `details`: the entropy in nats of the next-token distribution after it, if evaluated. */
  entropy?: number;
  /** With `details`: its token's rank at this position; 1 is the most likely, ties by lowest id. */
  rank?: number;
  /** With `details`: the most likely token at this position, its own or another. */
  best?: BestToken;
}
