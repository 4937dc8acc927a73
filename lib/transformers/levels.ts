// Scores a token tree in batches: level by level, one row per token, each row continuing its
// parent's keys and values. TfLM uses it if the model supports a past; ChoiceLM's own method
// computes the same numbers one token at a time.

import { wrongRange } from '../common/arguments.js';
import { LMError } from '../common/errors.js';
import { logSoftmax, logSumExp } from '../common/log-softmax.js';
import type { Cost } from '../common/usage.js';
import { readDetails } from '../tree/node-details.js';
import type { TokenChoiceTree } from '../tree/token-choice-tree.js';
import type { TreeRequest, TreeScores } from '../tree/tree-scoring.js';
import { childrenOf, noScores } from '../tree/tree-walk.js';
import type { Engine } from './engine.js';
import type { Past } from './past.js';

/** Nodes of one depth that are still to be decoded, and their parents' keys and values. */
interface Level {
  nodes: readonly number[];
  /** For each node, the row of its parent in `past`. */
  rows: readonly number[];
  /** Owned by this level. */
  past: Past;
}

/** Which nodes of a tree are to be decoded. */
export class Plan {
  readonly tree: TokenChoiceTree;
  /** The children of each node. */
  readonly children: readonly (readonly number[])[];
  readonly #endAt: Uint8Array;

  constructor(tree: TokenChoiceTree, endAt: Uint8Array) {
    this.tree = tree;
    this.#endAt = endAt;
    this.children = childrenOf(tree);
  }

  /** The children to decode: those that have children themselves, or an end to score. */
  inner(node: number): number[] {
    return (this.children[node] as number[]).filter((child) => {
      return this.#endAt[child] === 1 || this.children[child]?.length !== 0;
    });
  }

  /** The number of nodes of the widest level. */
  get widest(): number {
    let widest = 0;
    for (let level = this.inner(0); level.length > 0; ) {
      widest = Math.max(widest, level.length);
      level = level.flatMap((node) => this.inner(node));
    }
    return widest;
  }
}

/**
 * Scores a whole tree: decodes the prompt once, and each inner node once.
 *
 * @param rowsFor the maximum rows per batch, given the tokens per row including the past
 * @param cost accumulates the cost
 * @returns undefined if the model turns out not to return a usable past
 */
export async function scoreByLevels(
  engine: Engine,
  prompt: Int32Array,
  tree: TokenChoiceTree,
  request: TreeRequest,
  rowsFor: (length: number) => number,
  cost: Cost,
): Promise<TreeScores | undefined> {
  const { signal } = request;
  const scorer = new Scorer(new Plan(tree, request.endAt), request);
  const start = performance.now();
  const root = await engine.decode(prompt, cost, signal);
  cost.timings.promptMs += performance.now() - start - cost.timings.queueMs;
  const levels: Level[] = [];
  const push = (nodes: readonly number[], rows: readonly number[], past: Past | undefined) => {
    if (nodes.length === 0) past?.release();
    else if (past !== undefined) levels.push({ nodes, rows, past });
    return nodes.length === 0 || past !== undefined;
  };
  const first = scorer.plan.inner(0);
  const rootRows = first.map(() => 0);
  try {
    if (!push(first, rootRows, root.past)) return undefined;
    scorer.read(0, root.logprobs);
    for (let level = levels.pop(); level !== undefined; level = levels.pop()) {
      // Depth first: the descendants of one batch come before the rest of its level, so that few
      // pasts are alive at once.
      const { nodes, rows } = level;
      const count = Math.min(nodes.length, Math.max(1, rowsFor(level.past.length + 1)));
      let past: Past;
      try {
        past = level.past.pick(rows.slice(0, count));
        push(nodes.slice(count), rows.slice(count), level.past.share());
      } finally {
        level.past.release();
      }
      const below = await decode(engine, scorer, nodes.slice(0, count), past, cost, signal);
      if (!push(below.nodes, below.rows, below.past)) return undefined;
    }
    return scorer.scores;
  } finally {
    for (const { past } of levels) past.release();
  }
}

/** Decodes nodes after their parents' past, which it releases; returns the nodes below them. */
async function decode(
  engine: Engine,
  scorer: Scorer,
  nodes: readonly number[],
  before: Past,
  cost: Cost,
  signal: AbortSignal | undefined,
): Promise<Omit<Level, 'past'> & { past: Past | undefined }> {
  const { plan } = scorer;
  const columns =
    nodes.length === 1 ? chainOf(plan, nodes[0] as number, engine.batchSize) : [nodes];
  const length = columns.length;
  const tokens = new Int32Array(nodes.length * length);
  for (const [position, column] of columns.entries()) {
    for (const [row, node] of column.entries()) {
      tokens[row * length + position] = plan.tree.tokens[node] as number;
    }
  }
  const start = performance.now();
  const queuedBefore = cost.timings.queueMs;
  let past: Past | undefined;
  const below = { nodes: [] as number[], rows: [] as number[] };
  try {
    const output = await engine.step(tokens, before, length, cost, signal);
    past = output.past;
    cost.timings.decodeMs += performance.now() - start - (cost.timings.queueMs - queuedBefore);
    const readStart = performance.now();
    for (const [position, column] of columns.entries()) {
      for (const [row, node] of column.entries()) {
        scorer.readLogits(node, output.logits(row, length - 1 - position));
      }
    }
    cost.timings.readMs += performance.now() - readStart;
  } catch (error) {
    past?.release();
    throw error;
  } finally {
    before.release();
  }
  for (const [row, node] of (columns.at(-1) as readonly number[]).entries()) {
    for (const child of plan.inner(node)) {
      below.nodes.push(child);
      below.rows.push(row);
    }
  }
  return { ...below, past };
}

/** The chain of single inner children from a node, decoded as one row of at most `limit` tokens. */
function chainOf(plan: Plan, first: number, limit: number): number[][] {
  const chain = [[first]];
  let next = plan.inner(first);
  while (next.length === 1 && chain.length < limit) {
    chain.push(next);
    next = plan.inner(next[0] as number);
  }
  return chain;
}

/** Fills in the scores of a tree. */
class Scorer {
  readonly plan: Plan;
  readonly scores: TreeScores;
  readonly #request: TreeRequest;

  constructor(plan: Plan, request: TreeRequest) {
    this.plan = plan;
    this.#request = request;
    this.scores = noScores(plan.tree, request.details);
  }

  /** Scores a node's children and its end from the logits after it. */
  readLogits(node: number, logits: Float32Array): void {
    const total = logSumExp(logits);
    if (!Number.isFinite(total)) {
      throw new LMError('The model returned non-finite logits', { code: 'INVALID_LOGPROBS' });
    }
    // Only details need the whole distribution.
    if (this.scores.details !== undefined) this.read(node, logSoftmax(logits));
    else this.read(node, logits, total);
  }

  /** Scores a node's children and its end; log-probabilities are `values` minus `offset`. */
  read(node: number, values: Float32Array, offset = 0): void {
    const { endAt, endTokens } = this.#request;
    const { tokens } = this.plan.tree;
    const { logprobs, ends, details } = this.scores;
    const children = this.plan.children[node] as readonly number[];
    const logprobOf = (token: number): number => {
      const value = values[token];
      if (value !== undefined) return value - offset;
      throw wrongRange(`token ids below ${values.length}`, 'choices', token);
    };
    for (const child of children) {
      // Rounding may put an almost certain token slightly above 0.
      logprobs[child] = Math.min(0, logprobOf(tokens[child] as number));
    }
    if (endAt[node]) ends[node] = Math.min(0, logSumExp(Array.from(endTokens, logprobOf)));
    if (details !== undefined) readDetails(details, node, children, tokens, values);
  }
}
