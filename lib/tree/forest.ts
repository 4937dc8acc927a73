// Several token trees, each after its own prompt, merged into one tree: common prompt prefixes are
// shared, so that one native job decodes them once and the rest in shared batches.
// `lib/native/trees.ts` scores the merged tree and splits the result by task again.

import { commonPrefix } from '../common/token-arrays.js';
import { type Cost, noCost } from '../common/usage.js';
import type { TreeScores, TreeTask } from './tree-scoring.js';
import { Trie } from './trie.js';

/** Bits of a node's flags: `NodeFlags` of `native/engine/scoring/token_tree.h`. */
const endRequested = 1;
const isPrompt = 2;

/** One task in the forest. */
interface ForestTask {
  task: TreeTask;
  /** Per node of the task's tree: its node in the forest. */
  nodes: Int32Array;
  /** The number of its prompt tokens that no previous task has. */
  own: number;
}

/** The length of the longest common prefix of all prompts. */
export function sharedPrefix(tasks: readonly TreeTask[]): number {
  const [first] = tasks;
  if (first === undefined) return 0;
  return tasks.reduce(
    (shared, { prompt }) => Math.min(shared, commonPrefix(first.prompt, prompt)),
    first.prompt.length,
  );
}

/** Several tasks as one tree. */
export class Forest {
  /** The common prefix of all prompts; may be empty. */
  readonly prompt: Int32Array;
  readonly tokens: Int32Array;
  readonly parents: Int32Array;
  readonly flags: Uint8Array;
  readonly endTokens: Int32Array;
  readonly #tasks: readonly ForestTask[];
  readonly #owners: Int32Array;

  /**
   * @param tasks non-empty; none with a search or details, and the same end tokens in all that
   * have any
   */
  constructor(tasks: readonly TreeTask[]) {
    const shared = sharedPrefix(tasks);
    this.prompt = (tasks[0] as TreeTask).prompt.slice(0, shared);
    const ending = tasks.find(({ request }) => request.endTokens.length > 0);
    this.endTokens = ending?.request.endTokens ?? new Int32Array(0);
    const builder = new ForestBuilder();
    const added = tasks.map((task, owner) => builder.add(task, owner, shared));
    const { tokens, parents, positions } = builder.trie.depthFirst();
    this.tokens = tokens;
    this.parents = parents;
    this.flags = new Uint8Array(tokens.length);
    this.#owners = new Int32Array(tokens.length);
    for (const [node, position] of positions.entries()) {
      this.flags[position] = builder.flags[node] as number;
      this.#owners[position] = builder.owners[node] as number;
    }
    this.#tasks = added.map(({ nodes, ...rest }) => {
      return { ...rest, nodes: nodes.map((node) => positions[node] as number) };
    });
  }

  /**
   * Splits the scores of the forest by task. A token that several tasks share counts as decoded
   * for the first of them and as cached for the others, so that the counts add up to the tokens
   * actually decoded; calls and times are those of the whole job.
   */
  deal(scores: TreeScores & Cost): (TreeScores & Cost)[] {
    const decoded = this.#decodedPerTask();
    // Tokens without a node: the shared prefix, minus what was in the KV cache already.
    const common = scores.usage.decodedTokens - decoded.reduce((sum, count) => sum + count, 0);
    return this.#tasks.map(({ task: { prompt, request }, nodes, own }, index) => {
      const prefix = index === 0 ? common : 0;
      const { usage, timings } = noCost();
      usage.promptTokens = prompt.length;
      usage.cachedTokens = prompt.length - own - prefix;
      usage.decodedTokens = (decoded[index] as number) + prefix;
      usage.paddingTokens = index === 0 ? scores.usage.paddingTokens : 0;
      usage.decodeCalls = scores.usage.decodeCalls;
      Object.assign(timings, scores.timings);
      const logprobs = Float64Array.from(nodes, (node) => scores.logprobs[node] as number);
      logprobs[0] = 0;
      const ends = Float64Array.from(nodes, (node, index) => {
        return request.endAt[index] ? (scores.ends[node] as number) : Number.NaN;
      });
      return { logprobs, ends, together: true, usage, timings };
    });
  }

  #decodedPerTask(): number[] {
    const isParent = new Uint8Array(this.tokens.length);
    for (const parent of this.parents) if (parent > 0) isParent[parent] = 1;
    const counts = this.#tasks.map(() => 0);
    for (const [node, flags] of this.flags.entries()) {
      if (node === 0 || !(isParent[node] || flags & endRequested)) continue;
      const owner = this.#owners[node] as number;
      counts[owner] = (counts[owner] as number) + 1;
    }
    return counts;
  }
}

/** Merges tasks into one trie. */
class ForestBuilder {
  readonly trie = new Trie();
  /** Per trie node, in insertion order. */
  readonly flags: number[] = [0];
  /** Per trie node: the first task that has it, which is charged for decoding it. */
  readonly owners: number[] = [0];

  /** Adds a task's prompt from position `shared` on, followed by its tree. */
  add(task: TreeTask, owner: number, shared: number): ForestTask {
    const { prompt, tree, request } = task;
    const before = this.trie.size;
    let end = 0;
    for (const token of prompt.subarray(shared)) end = this.#child(end, token, owner);
    const own = this.trie.size - before;
    const nodes = new Int32Array(tree.tokens.length);
    nodes[0] = end;
    for (let index = 1; index < nodes.length; index++) {
      const parent = nodes[tree.parents[index] as number] as number;
      const node = this.#child(parent, tree.tokens[index] as number, owner);
      this.#updateFlags(node, (flags) => flags & ~isPrompt);
      nodes[index] = node;
    }
    for (const [index, requested] of request.endAt.entries()) {
      if (requested) this.#updateFlags(nodes[index] as number, (flags) => flags | endRequested);
    }
    return { task, nodes, own };
  }

  #child(parent: number, token: number, owner: number): number {
    const node = this.trie.child(parent, token);
    if (node === this.flags.length) {
      this.flags.push(isPrompt);
      this.owners.push(owner);
    }
    return node;
  }

  #updateFlags(node: number, update: (flags: number) => number): void {
    this.flags[node] = update(this.flags[node] as number);
  }
}
