// ThoughtTree: the result of `evaluate`. Both searches create one; `thought-graphviz.ts` draws it.

import { Automaton } from '../automaton/automaton.js';
import { parseAutomaton } from '../automaton/read-automaton.js';
import { wrongType } from '../common/arguments.js';
import { noCost, type Timings, type Usage } from '../common/usage.js';
import type { AutoCogThought } from './autocog-thoughts.js';
import { readAutoCogTree, type TreeRecord, writeAutoCogTree } from './autocog-trees.js';
import { drawThoughts } from './thought-graphviz.js';
import type { ThoughtNode } from './thought-node.js';

/** A thought: a path from the root to a node. */
export interface ThoughtPath {
  /** From the root to the last one. */
  nodes: readonly ThoughtNode[];
  /** The last node. */
  node: ThoughtNode;
  /** The whole text, with that of the root. */
  text: string;
  score: number;
  logprob: number;
}

/** Why an evaluation ended. */
export type EvaluationEnd =
  | 'exhausted'
  | 'best'
  | 'stopAfter'
  | 'maxThoughts'
  | 'maxTokens'
  | 'abort';

/** The thoughts of an automaton as a tree. */
export class ThoughtTree {
  readonly root: ThoughtNode;
  readonly end: EvaluationEnd;
  readonly usage: Usage;
  readonly timings: Timings;
  readonly #finished: ReadonlySet<ThoughtNode>;
  /** What the file of AutoCog had that it was read from, if it was. */
  readonly #record: TreeRecord;

  /** @internal */
  constructor(
    root: ThoughtNode,
    finished: ReadonlySet<ThoughtNode>,
    end: EvaluationEnd,
    { usage, timings }: { usage: Usage; timings: Timings },
    record: TreeRecord = new Map(),
  ) {
    this.root = root;
    this.end = end;
    this.usage = usage;
    this.timings = timings;
    this.#finished = finished;
    this.#record = record;
  }

  /**
   * The tree of one of AutoCog's files (FTT). `toAutoCog` writes an equal file. It has no usage, and
   * no tokens of stops; its `end` is `'exhausted'`, or `'abort'` if some thought is unfinished.
   *
   * @param json a value as `JSON.parse` returns it, or its text
   * @param automaton that of the tree
   * @throws TypeError, RangeError that name the node and the field, such as `Expected an array for
   * children[0].tokens, got 1`; NotSupportedError for an automaton that AutoCog does not have
   */
  static fromAutoCog(json: AutoCogThought | string, automaton: Automaton): ThoughtTree;
  static fromAutoCog(json: unknown, automaton: Automaton): ThoughtTree;
  static fromAutoCog(json: unknown, automaton: Automaton): ThoughtTree {
    if (!(automaton instanceof Automaton)) throw wrongType('an Automaton', 'automaton', automaton);
    const value = typeof json === 'string' ? parseAutomaton(json, 'the tree') : json;
    const { root, finished, record, isComplete } = readAutoCogTree(value, automaton);
    return new ThoughtTree(root, finished, isComplete ? 'exhausted' : 'abort', noCost(), record);
  }

  /** The best finished thought; undefined if none is finished. */
  best(): ThoughtPath | undefined {
    return this.paths()[0];
  }

  /** All finished thoughts, best first; ties in the order of the tree. */
  paths(): ThoughtPath[] {
    const paths: ThoughtPath[] = [];
    for (const nodes of this.#walk()) {
      if (this.#finished.has(nodes.at(-1) as ThoughtNode)) paths.push(pathOf(nodes));
    }
    return paths.sort((a, b) => compare(b.score, a.score));
  }

  /** Whether the thought ends at this node because its action has no successor. */
  isFinished(node: ThoughtNode): boolean {
    return this.#finished.has(node);
  }

  /** The tree in the DOT language, for `dot -Tsvg`. */
  toGraphviz(): string {
    return drawThoughts(this.root, this.#finished);
  }

  /**
   * A JSON value: the nodes as a list, parents first and siblings in order, each with the index of its
   * `parent`, −1 for the root. Numbers in arrays; null for −Infinity.
   */
  toJSON(): { end: EvaluationEnd; usage: Usage; timings: Timings; nodes: object[] } {
    const { end, usage, timings } = this;
    return { end, usage, timings, nodes: listOf(this.root, this.#finished) };
  }

  /**
   * The tree as AutoCog's file (FTT) of the automaton's file. Log-probabilities of a stop follow those
   * of the tokens, as AutoCog has them.
   *
   * @param automaton that of the tree
   * @throws RangeError for another automaton; NotSupportedError for one that AutoCog does not have,
   * as `automaton.toAutoCog` does, or that does not begin with a fixed text, and for replaced tokens
   */
  toAutoCog(automaton: Automaton): AutoCogThought {
    if (!(automaton instanceof Automaton)) throw wrongType('an Automaton', 'automaton', automaton);
    return writeAutoCogTree(this.root, this.#finished, this.#record, automaton);
  }

  /** Every path from the root, parents first. The array is reused. */
  *#walk(): Generator<readonly ThoughtNode[]> {
    const path = [this.root];
    const cursors = [0];
    yield path;
    while (path.length > 0) {
      const depth = path.length - 1;
      const child = (path[depth] as ThoughtNode).children[cursors[depth] as number];
      if (child === undefined) {
        path.pop();
        cursors.pop();
        continue;
      }
      cursors[depth] = (cursors[depth] as number) + 1;
      path.push(child);
      cursors.push(0);
      yield path;
    }
  }
}

/** Orders −Infinity below everything, equal to itself. */
const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);

function pathOf(nodes: readonly ThoughtNode[]): ThoughtPath {
  const node = nodes.at(-1) as ThoughtNode;
  const text = nodes.map((each) => each.text).join('');
  return { nodes: [...nodes], node, text, score: node.pathScore, logprob: node.pathLogprob };
}

const numbers = (values: Float64Array | Int32Array): (number | null)[] =>
  Array.from(values, (value) => (Number.isFinite(value) ? value : null));

/** All nodes in a list, parents first, each with the index of its parent: trees may be deep. */
function listOf(root: ThoughtNode, finished: ReadonlySet<ThoughtNode>): object[] {
  const list: object[] = [];
  const pending: [ThoughtNode, number][] = [[root, -1]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [node, parent] = next;
    const { stop, tokens, logprobs, children, ...rest } = node;
    const scalars = Object.entries(rest).map(([name, value]) => {
      return [name, typeof value === 'number' && !Number.isFinite(value) ? null : value];
    });
    const index = list.length;
    list.push({
      parent,
      ...Object.fromEntries(scalars),
      tokens: numbers(tokens),
      logprobs: numbers(logprobs),
      ...(stop && {
        stop: { ...stop, tokens: numbers(stop.tokens), logprobs: numbers(stop.logprobs) },
      }),
      finished: finished.has(node),
    });
    for (const child of [...children].reverse()) pending.push([child, index]);
  }
  return list;
}
