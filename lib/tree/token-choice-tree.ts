// TokenChoiceTree: the trie of all choices' tokens, flattened for native code, and its public view
// with scores. `lib/choose/tree-task.ts` builds one per `choose`.

import { checkInteger, checkTokens, wrongType } from '../common/arguments.js';
import { toGraphviz } from './graphviz.js';
import type { NodeDetails } from './node-details.js';
import type { TokenChoiceNode } from './token-choice-node.js';
import { Trie } from './trie.js';

/** The scores of a tree, one entry per node. */
export interface TokenChoiceValues {
  /** log P(token | prompt and path); 0 for the root; NaN where a search did not evaluate it. */
  logprobs: Float64Array;
  /** log P(an end token follows); NaN if not requested, or not evaluated by a search. */
  ends: Float64Array;
  details?: NodeDetails | undefined;
  /** Token texts by id. */
  texts: ReadonlyMap<number, string>;
}

/**
 * A trie of token paths. Paths may repeat, be empty, or be prefixes of others.
 *
 * @example
 * const tree = new TokenChoiceTree([Int32Array.of(7, 8), Int32Array.of(7, 9)]);
 * tree.tokens; // Int32Array [ -1, 7, 8, 9 ]
 * tree.parents; // Int32Array [ -1, 0, 1, 1 ]
 * tree.size; // 3, of which tree.childless is 2
 */
export class TokenChoiceTree {
  /** The paths it was built from, in the caller's order. */
  readonly paths: readonly Int32Array[];
  /** Per node in depth-first order, parents first: the token id; −1 for the root. */
  readonly tokens: Int32Array;
  /** Per node: the parent's index; −1 for the root. */
  readonly parents: Int32Array;
  /** Per path: the node where it ends. */
  readonly ends: Int32Array;
  /** U, the number of nodes, excluding the root. */
  readonly size: number;
  /** T, the number of leaves among them. Scoring decodes U − T tokens, or U with end tokens. */
  readonly childless: number;
  /** Length of the longest path. */
  readonly depth: number;
  readonly #values: TokenChoiceValues | undefined;

  /** @throws TypeError, RangeError unless every path consists of valid token ids */
  constructor(paths: readonly Int32Array[]);
  /** @internal */
  constructor(paths: readonly Int32Array[], shape: TokenChoiceTree, values: TokenChoiceValues);
  constructor(
    paths: readonly Int32Array[],
    shape: Shape = flatten(paths),
    values?: TokenChoiceValues,
  ) {
    this.paths = paths;
    this.tokens = shape.tokens;
    this.parents = shape.parents;
    this.ends = shape.ends;
    this.size = shape.size;
    this.childless = shape.childless;
    this.depth = shape.depth;
    this.#values = values;
  }

  /** The same tree with scores. */
  withValues(values: TokenChoiceValues): TokenChoiceTree {
    return new TokenChoiceTree(this.paths, this, values);
  }

  /**
   * The node indices on a path, excluding the root.
   *
   * @throws TypeError, RangeError unless `path` is the index of a path
   */
  nodesOf(path: number): Int32Array {
    checkInteger(path, 'path', 0, this.paths.length - 1);
    const nodes = new Int32Array((this.paths[path] as Int32Array).length);
    let node = this.ends[path] as number;
    for (let depth = nodes.length - 1; depth >= 0; depth--) {
      nodes[depth] = node;
      node = this.parents[node] as number;
    }
    return nodes;
  }

  /** Every node in depth-first order, the root first. */
  nodes(): TokenChoiceNode[] {
    const nodes: TokenChoiceNode[] = [];
    for (let index = 0; index < this.tokens.length; index++) {
      const token = this.tokens[index] as number;
      const parent = this.parents[index] as number;
      const above = nodes[parent];
      const depth = above === undefined ? 0 : above.depth + 1;
      const node: TokenChoiceNode = { index, token, parent, depth, children: [], choices: [] };
      above?.children.push(index);
      if (this.#values !== undefined) addValues(node, above, this.#values);
      nodes.push(node);
    }
    this.ends.forEach((node, choice) => {
      nodes[node]?.choices.push(choice);
    });
    return nodes;
  }

  /** The tree in Graphviz's DOT language: token ids and texts, log-probabilities, choices. */
  toGraphviz(): string {
    return toGraphviz(this.nodes());
  }

  /** Sizes and nodes, as plain data. */
  toJSON(): { size: number; childless: number; depth: number; nodes: TokenChoiceNode[] } {
    const { size, childless, depth } = this;
    return { size, childless, depth, nodes: this.nodes() };
  }
}

function addValues(
  node: TokenChoiceNode,
  above: TokenChoiceNode | undefined,
  { logprobs, ends, details, texts }: TokenChoiceValues,
): void {
  const text = texts.get(node.token);
  const logprob = logprobs[node.index] as number;
  const end = ends[node.index] as number;
  if (text !== undefined) node.text = text;
  if (!Number.isNaN(logprob)) {
    node.logprob = logprob;
    // A known node has known ancestors only.
    node.cumulative = (above?.cumulative ?? 0) + logprob;
  }
  if (!Number.isNaN(end)) node.end = end;
  if (details !== undefined) addDetails(node, details, texts);
}

function addDetails(
  node: TokenChoiceNode,
  { entropies, ranks, bestTokens, bestLogprobs }: NodeDetails,
  texts: ReadonlyMap<number, string>,
): void {
  const entropy = entropies[node.index] as number;
  const rank = ranks[node.index] as number;
  const token = bestTokens[node.index] as number;
  const logprob = bestLogprobs[node.index] as number;
  if (!Number.isNaN(entropy)) node.entropy = entropy;
  if (rank > 0) node.rank = rank;
  if (token < 0) return;
  node.best = { token, text: texts.get(token) ?? '', logprob, probability: Math.exp(logprob) };
}

type Shape = Pick<TokenChoiceTree, 'tokens' | 'parents' | 'ends' | 'size' | 'childless' | 'depth'>;

function flatten(paths: readonly Int32Array[]): Shape {
  if (!Array.isArray(paths)) throw wrongType('an array of Int32Arrays', 'paths', paths);
  const checked = Array.from(paths, (path, index) => checkTokens(path, `paths[${index}]`));
  const trie = new Trie();
  const ends = Int32Array.from(checked, (path) => {
    let node = 0;
    for (const token of path) node = trie.child(node, token);
    return node;
  });
  const { tokens, parents, positions } = trie.depthFirst();
  for (const [path, node] of ends.entries()) ends[path] = positions[node] as number;
  let childless = 0;
  // In depth-first order a node is the parent of its successor, or a leaf.
  for (let node = 1; node < parents.length; node++) if (parents[node + 1] !== node) childless++;
  const depth = checked.reduce((max, path) => Math.max(max, path.length), 0);
  return { tokens, parents, ends, size: tokens.length - 1, childless, depth };
}
