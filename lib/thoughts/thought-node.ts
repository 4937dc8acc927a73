// The nodes of a ThoughtTree.

/** Why a node has no continuation although its action has successors. */
export type Pruned = 'width' | 'threshold' | 'abandoned';

/** What ended a generated text. */
export interface ThoughtStop {
  /** `'context'`: the context is full. */
  reason: 'eog' | 'token' | 'text' | 'length' | 'context';
  /** The stop text, for reason `'text'`. */
  text?: string;
  /**
   * The tokens that are not part of the result, though they were generated: an end-of-generation or
   * stop token, or those of a stop text.
   */
  tokens: Int32Array;
  /** One natural log-probability for each of them. They count in the node's `logprob`. */
  logprobs: Float64Array;
}

/** One action's result in a thought. */
export interface ThoughtNode {
  /** The action's id; '' for the root of an automaton that does not begin with a fixed text. */
  action: string;
  text: string;
  /** The tokens that the thought continues after. */
  tokens: Int32Array;
  /** One natural log-probability per token; 0 for tokens that count as certain. */
  logprobs: Float64Array;
  /**
   * The sum of `logprobs`, those of `stop`, and that of the end of generation after a choice with
   * terminator `'eog'`.
   */
  logprob: number;
  /** `logprob`, divided as the action's `normalize` requires: what width and threshold compare. */
  score: number;
  /** exp(score) divided by its sum over the results of the same action in the same thought. */
  probability: number;
  /** The score of the thought up to here, by the metric: 0 as long as nothing was scored. */
  pathScore: number;
  /** The log-probability of all scored tokens of the thought. */
  pathLogprob: number;
  /** How many of the tokens before it the node replaces, with boundary `'healed'`. */
  replaced: number;
  stop?: ThoughtStop;
  /**
   * Why it was not continued: `'width'` and `'threshold'` are the action's; an `'abandoned'` thought
   * met a limit, an abort or the end of the context.
   */
  pruned?: Pruned;
  /** Tokens that were decoded to get from this node to its children. */
  decodedTokens: number;
  /** The best first. */
  children: ThoughtNode[];
}
