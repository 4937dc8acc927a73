// Several trees, each after its own prompt, as one tree: prompts that begin alike share their
// beginning, so that one native job decodes what is common once and the rest in shared batches.
// `lib/llama.ts` scores it and deals the result out again.

import { commonPrefix } from '../common/token-arrays.js';
import { type Cost, noCost } from '../common/usage.js';
import type { TreeScores, TreeTask } from './tree-scoring.js';
import { Trie } from './trie.js';

/** Bits of a node's flags, as native code has them. */
const endWanted = 1;
const given = 2;

/** One task in the forest. */
interface Planted {
  task: TreeTask;
  /** The forest's node of each node of the task's tree. */
  nodes: Int32Array;
  /** How many tokens of its prompt no task before it has. */
  own: number;
}

/** How many tokens all prompts have in common at their beginning. */
export function sharedPrefix(tasks: readonly TreeTask[]): number {
  const [first] = tasks;
  if (first === undefined) return 0;
  return tasks.reduce(
    (shared, { prompt }) => Math.min(shared, commonPrefix(first.prompt, prompt)),
    first.prompt.length,
  );
}

/** Tasks in one tree. */
export class Forest {
  /** What all prompts begin with; may be empty. */
  readonly prompt: Int32Array;
  readonly tokens: Int32Array;
  readonly parents: Int32Array;
  readonly flags: Uint8Array;
  readonly endTokens: Int32Array;
  readonly #planted: readonly Planted[];
  readonly #owners: Int32Array;

  /** @param tasks at least one; none with a search or details, end tokens the same in all that have any */
  constructor(tasks: readonly TreeTask[]) {
    const shared = sharedPrefix(tasks);
    this.prompt = (tasks[0] as TreeTask).prompt.slice(0, shared);
    const ending = tasks.find(({ request }) => request.endTokens.length > 0);
    this.endTokens = ending?.request.endTokens ?? new Int32Array(0);
    const bed = new Bed();
    const planted = tasks.map((task, owner) => bed.plant(task, owner, shared));
    const { tokens, parents, places } = bed.trie.depthFirst();
    this.tokens = tokens;
    this.parents = parents;
    this.flags = new Uint8Array(tokens.length);
    this.#owners = new Int32Array(tokens.length);
    for (const [node, place] of places.entries()) {
      this.flags[place] = bed.flags[node] as number;
      this.#owners[place] = bed.owners[node] as number;
    }
    this.#planted = planted.map(({ nodes, ...rest }) => {
      return { ...rest, nodes: nodes.map((node) => places[node] as number) };
    });
  }

  /**
   * Each task's own part of what was found. A token that several tasks share counts as decoded
   * for the first of them and as cached for the others, so that the sum is what was decoded;
   * calls and times are those of the whole job.
   */
  deal(scores: TreeScores & Cost): (TreeScores & Cost)[] {
    const decoded = this.#decodedPerTask();
    // What no node stands for: the shared beginning, as far as it was not cached before.
    const common = scores.usage.decodedTokens - decoded.reduce((sum, count) => sum + count, 0);
    return this.#planted.map(({ task: { prompt, request }, nodes, own }, index) => {
      const paid = index === 0 ? common : 0;
      const { usage, timings } = noCost();
      usage.promptTokens = prompt.length;
      usage.cachedTokens = prompt.length - own - paid;
      usage.decodedTokens = (decoded[index] as number) + paid;
      usage.paddingTokens = index === 0 ? scores.usage.paddingTokens : 0;
      usage.decodeCalls = scores.usage.decodeCalls;
      Object.assign(timings, scores.timings);
      const logprobs = Float64Array.from(nodes, (node) => scores.logprobs[node] as number);
      logprobs[0] = 0;
      const ends = Float64Array.from(nodes, (node, place) => {
        return request.endAt[place] ? (scores.ends[node] as number) : Number.NaN;
      });
      return { logprobs, ends, usage, timings };
    });
  }

  #decodedPerTask(): number[] {
    const isParent = new Uint8Array(this.tokens.length);
    for (const parent of this.parents) if (parent > 0) isParent[parent] = 1;
    const counts = this.#planted.map(() => 0);
    for (const [node, flags] of this.flags.entries()) {
      if (node === 0 || !(isParent[node] || flags & endWanted)) continue;
      const owner = this.#owners[node] as number;
      counts[owner] = (counts[owner] as number) + 1;
    }
    return counts;
  }
}

/** A forest in the making. */
class Bed {
  readonly trie = new Trie();
  /** Per node, in the order of their adding. */
  readonly flags: number[] = [0];
  /** The first task that has the node: the node counts as its cost. */
  readonly owners: number[] = [0];

  /** Adds a task's prompt from `shared` on, and its tree after it. */
  plant(task: TreeTask, owner: number, shared: number): Planted {
    const { prompt, tree, request } = task;
    const before = this.trie.size;
    let end = 0;
    for (const token of prompt.subarray(shared)) end = this.#step(end, token, owner);
    const own = this.trie.size - before;
    const nodes = new Int32Array(tree.tokens.length);
    nodes[0] = end;
    for (let index = 1; index < nodes.length; index++) {
      const parent = nodes[tree.parents[index] as number] as number;
      const node = this.#step(parent, tree.tokens[index] as number, owner);
      this.#change(node, (flags) => flags & ~given);
      nodes[index] = node;
    }
    for (const [index, wanted] of request.endAt.entries()) {
      if (wanted) this.#change(nodes[index] as number, (flags) => flags | endWanted);
    }
    return { task, nodes, own };
  }

  #step(parent: number, token: number, owner: number): number {
    const node = this.trie.child(parent, token);
    if (node === this.flags.length) {
      this.flags.push(given);
      this.owners.push(owner);
    }
    return node;
  }

  #change(node: number, change: (flags: number) => number): void {
    this.flags[node] = change(this.flags[node] as number);
  }
}
