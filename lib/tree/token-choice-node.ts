// What a TokenChoiceTree shows of one of its nodes.

/** A token that could stand in a node's place. */
export interface BestToken {
  token: number;
  text: string;
  /** log P(token | prompt and path). */
  logprob: number;
  probability: number;
}

/** One node of the tree. What is not known, before scoring or as a search left it open, is absent. */
export interface TokenChoiceNode {
  /** Its place in depth-first order; 0 is the root, which stands for the prompt's end. */
  index: number;
  /** Its token id; −1 for the root. */
  token: number;
  /** The token's text. */
  text?: string;
  /** The parent's index; −1 for the root. */
  parent: number;
  /** How many tokens after the prompt it is; 0 for the root. */
  depth: number;
  /** Indices of its children, in the order in which choices first used them. */
  children: number[];
  /** Indices of the choices that end here. */
  choices: number[];
  /** log P(token | prompt and path); 0 for the root. */
  logprob?: number;
  /** Sum of the log-probabilities from the root to here. */
  cumulative?: number;
  /** log P(an end-of-generation token follows), where that was asked for. */
  end?: number;
  /** With `details`: the entropy, in nats, of what may come after it, where that was evaluated. */
  entropy?: number;
  /** With `details`: its token's rank among all that could stand here; 1 is the likeliest, of equals the lower id. */
  rank?: number;
  /** With `details`: the likeliest token that could stand here, its own or another. */
  best?: BestToken;
}
