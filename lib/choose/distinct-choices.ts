// Deduplication of choices: a search works on the distinct ones, and probabilities count each
// once. `lib/choose/choose.ts` calls it; `lib/choose/bounds.ts` computes the bounds of the result.

import type { SearchRequest } from '../tree/tree-scoring.js';

/**
 * One entry per distinct combination of tokens, length and offset. Entries are sorted by node,
 * those of one node by first use.
 */
export interface DistinctChoices
  extends Pick<SearchRequest, 'nodes' | 'lengths' | 'offsets' | 'copies'> {
  /** Per choice: the index of its entry. */
  readonly entries: Int32Array;
}

/**
 * @param ends per choice: the node where it ends
 * @param lengths per choice: the divisor of its log-probability
 * @param offsets per choice: what is subtracted from the quotient
 */
export function findDistinct(
  ends: Int32Array,
  lengths: readonly number[],
  offsets: readonly number[],
): DistinctChoices {
  const isSame = (a: number, b: number): boolean =>
    lengths[a] === lengths[b] && offsets[a] === offsets[b];
  // The entries of a node form a linked list; few nodes have more than one.
  const heads = new Int32Array(ends.reduce((max, node) => Math.max(max, node), 0) + 1).fill(-1);
  const firsts: number[] = [];
  const next: number[] = [];
  const entries = ends.map((node, choice) => {
    let last = -1;
    for (let entry = heads[node] as number; entry >= 0; entry = next[entry] as number) {
      if (isSame(choice, firsts[entry] as number)) return entry;
      last = entry;
    }
    const added = firsts.push(choice) - 1;
    next.push(-1);
    if (last < 0) heads[node] = added;
    else next[last] = added;
    return added;
  });
  const order: number[] = [];
  for (let entry of heads) {
    for (; entry >= 0; entry = next[entry] as number) order.push(entry);
  }
  const positions = new Int32Array(order.length);
  for (const [position, entry] of order.entries()) positions[entry] = position;
  const copies = new Int32Array(order.length);
  for (const [choice, entry] of entries.entries()) {
    const position = positions[entry] as number;
    entries[choice] = position;
    copies[position] = (copies[position] as number) + 1;
  }
  const firstOf = (entry: number): number => firsts[entry] as number;
  return {
    nodes: Int32Array.from(order, (entry) => ends[firstOf(entry)] as number),
    lengths: Float64Array.from(order, (entry) => lengths[firstOf(entry)] as number),
    offsets: Float64Array.from(order, (entry) => offsets[firstOf(entry)] as number),
    copies,
    entries,
  };
}
