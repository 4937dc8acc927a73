// What the search over thoughts in TypeScript requires of an LM, and what its steps return.

import type { TokenSet } from '../automaton/token-sets.js';
import type { ChoiceTokenizer } from '../choose/boundary.js';
import type { Room } from '../common/room.js';
import type { Cost } from '../common/usage.js';
import type { TreeScores, TreeTask } from '../tree/tree-scoring.js';
import type { EvaluateRequest } from './evaluate-options.js';
import type { Plan } from './plan.js';
import type { Thought } from './thought.js';
import type { ThoughtNode } from './thought-node.js';
import type { EvaluationEnd } from './thought-tree.js';

/** The operations of an LM that the search requires. */
export interface SearchEngine extends Room {
  readonly endOfGeneration: Int32Array;
  readonly tokenizer: ChoiceTokenizer;
  packs(tasks: readonly TreeTask[]): boolean;
  scoreTrees(
    tasks: readonly TreeTask[],
    signal: AbortSignal | undefined,
  ): Promise<(TreeScores & Cost)[]>;
  /** Log-probabilities of the next token; those that are not allowed may have any value. */
  nextAllowed(
    tokens: Int32Array,
    allowed: TokenSet | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array>;
  /**
   * The tokens with which a generated text of at most `count` tokens that begins with `prefix` may
   * begin; undefined if there are none.
   */
  beginnings(
    prefix: string,
    count: number,
    signal: AbortSignal | undefined,
  ): Promise<TokenSet | undefined>;
  detokenize(tokens: Int32Array, signal: AbortSignal | undefined): Promise<string>;
}

/** What a search found. */
export interface Thoughts extends Cost {
  root: ThoughtNode;
  finished: ReadonlySet<ThoughtNode>;
  end: EvaluationEnd;
}

/** One result of an action: a new node, and what its thought continues with. */
export interface Expansion {
  node: ThoughtNode;
  /** Undefined if the node is pruned. */
  thought: Omit<Thought, 'action' | 'node'> | undefined;
  /** The actions that follow. */
  next: readonly number[];
  /** Tokens scored or generated. */
  tokens: number;
}

/** The results of a thought's action; 'context' if they do not fit in the context. */
export type Expansions = readonly Expansion[] | 'context';

/** The arguments with which a plan is run; when `stopped` aborts, the run ends with what it found. */
export type PlanRun = [plan: Plan, request: EvaluateRequest, stopped: AbortSignal];
