// TokenChoiceTree: the trie of all choices' tokens, flattened for native code, and what a
// caller sees of it afterwards. ChoiceLM builds one per `choose`.

import { checkTokens, wrongType } from './arguments.js';
import { toGraphviz } from './graphviz.js';
import type { TokenChoiceNode } from './token-choice-node.js';

/** What scoring adds to a tree: one entry per node. */
export interface TokenChoiceValues {
  /** log P(token | prompt and path); 0 for the root. */
  logprobs: Float64Array;
  /** log P(an end token follows); NaN where it was not asked for. */
  ends: Float64Array;
  /** Texts by token id. */
  texts: ReadonlyMap<number, string>;
}

interface Draft {
  token: number;
  children: Map<number, Draft>;
  choices: number[];
}

const draft = (token: number): Draft => ({ token, children: new Map(), choices: [] });

/**
 * A trie over token paths. Paths may repeat, be empty, or be prefixes of others.
 *
 * @example
 * const tree = new TokenChoiceTree([Int32Array.of(7, 8), Int32Array.of(7, 9)]);
 * tree.tokens; // Int32Array [ -1, 7, 8, 9 ]
 * tree.parents; // Int32Array [ -1, 0, 1, 1 ]
 * tree.size; // 3, of which tree.childless is 2
 */
export class TokenChoiceTree {
  /** The paths it was made from, in the caller's order. */
  readonly paths: readonly Int32Array[];
  /** Per node in depth-first order, parents first: the token id; −1 for the root. */
  readonly tokens: Int32Array;
  /** Per node: the parent's index; −1 for the root. */
  readonly parents: Int32Array;
  /** Per path: the node where it ends. */
  readonly ends: Int32Array;
  /** U, the number of nodes without the root. */
  readonly size: number;
  /** T, how many of them have no child. Scoring decodes U − T tokens, or U with an end token. */
  readonly childless: number;
  /** Length of the longest path. */
  readonly depth: number;
  readonly #values: TokenChoiceValues | undefined;

  /** @throws TypeError, RangeError unless every path is token ids */
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

  /** The same tree with what scoring found. */
  withValues(values: TokenChoiceValues): TokenChoiceTree {
    return new TokenChoiceTree(this.paths, this, values);
  }

  /** The indices of the nodes on a path, without the root. */
  nodesOf(path: number): Int32Array {
    const nodes = new Int32Array((this.paths[path] as Int32Array).length);
    let node = this.ends[path] as number;
    for (let depth = nodes.length - 1; depth >= 0; depth--) {
      nodes[depth] = node;
      node = this.parents[node] as number;
    }
    return nodes;
  }

  /** Every node, the root first, in depth-first order. */
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

  /** The tree in Graphviz's DOT language: ids and texts of tokens, log-probabilities, choices. */
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
  { logprobs, ends, texts }: TokenChoiceValues,
): void {
  const text = texts.get(node.token);
  const logprob = logprobs[node.index] as number;
  const end = ends[node.index] as number;
  if (text !== undefined) node.text = text;
  node.logprob = logprob;
  node.cumulative = (above?.cumulative ?? 0) + logprob;
  if (!Number.isNaN(end)) node.end = end;
}

type Shape = Pick<TokenChoiceTree, 'tokens' | 'parents' | 'ends' | 'size' | 'childless' | 'depth'>;

/** Inserts the paths in order, then writes the nodes down depth first. */
function flatten(paths: readonly Int32Array[]): Shape {
  if (!Array.isArray(paths)) throw wrongType('an array of Int32Arrays', 'paths', paths);
  paths.forEach((path, index) => {
    checkTokens(path, `paths[${index}]`);
  });
  const root = draft(-1);
  let count = 1;
  paths.forEach((path, choice) => {
    let node = root;
    for (const token of path) {
      let child = node.children.get(token);
      if (child === undefined) {
        child = draft(token);
        node.children.set(token, child);
        count++;
      }
      node = child;
    }
    node.choices.push(choice);
  });

  const tokens = new Int32Array(count);
  const parents = new Int32Array(count);
  const ends = new Int32Array(paths.length);
  let childless = 0;
  let index = 0;
  const open: { node: Draft; parent: number }[] = [{ node: root, parent: -1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop(), index++) {
    const { node, parent } = next;
    tokens[index] = node.token;
    parents[index] = parent;
    for (const choice of node.choices) ends[choice] = index;
    if (node.children.size === 0 && node !== root) childless++;
    for (const child of [...node.children.values()].reverse()) {
      open.push({ node: child, parent: index });
    }
  }
  const depth = paths.reduce((most, path) => Math.max(most, path.length), 0);
  return { tokens, parents, ends, size: count - 1, childless, depth };
}
