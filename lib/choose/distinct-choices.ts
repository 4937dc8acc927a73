// The distinct ones of a set of choices: what a search looks for and what probabilities count
// once. `lib/choose/choose.ts` makes a contest, `lib/choose/bounds.ts` says how it stands.

import type { SearchRequest } from '../tree/tree-scoring.js';

/**
 * One entry per distinct choice: same tokens, same length, same offset. Entries stand by node,
 * those of one node in the order of their first use.
 */
export interface DistinctChoices
  extends Pick<SearchRequest, 'nodes' | 'lengths' | 'offsets' | 'copies'> {
  /** Per choice: its entry. */
  readonly entries: Int32Array;
}

/**
 * @param ends per choice: the node where it ends
 * @param lengths per choice: what its log-probability is divided by
 * @param offsets per choice: what is taken off then
 */
export function findDistinct(
  ends: Int32Array,
  lengths: readonly number[],
  offsets: readonly number[],
): DistinctChoices {
  const isSame = (a: number, b: number): boolean =>
    lengths[a] === lengths[b] && offsets[a] === offsets[b];
  // Those of one node hang together in a list; few nodes have more than one.
  const heads = new Int32Array(ends.reduce((most, node) => Math.max(most, node), 0) + 1).fill(-1);
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
  const places = new Int32Array(order.length);
  for (const [place, entry] of order.entries()) places[entry] = place;
  const copies = new Int32Array(order.length);
  for (const [choice, entry] of entries.entries()) {
    const place = places[entry] as number;
    entries[choice] = place;
    copies[place] = (copies[place] as number) + 1;
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
