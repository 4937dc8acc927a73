// The actions of an automaton as a graph of indices. All walks keep their own stacks, as an
// automaton may be one chain of a hundred thousand actions.

import type { Action } from './actions.js';

/** Per action, the indices of its successors, in order. Every id in `next` must be known. */
export function successorsOf(actions: readonly Action[]): number[][] {
  const indices = new Map(actions.map(({ id }, index) => [id, index]));
  return actions.map(({ next = [] }) => next.map((id) => indices.get(id) as number));
}

/** The reverse of {@link successorsOf}, each predecessor once. */
export function reverse(edges: readonly (readonly number[])[]): number[][] {
  const reversed = edges.map((): number[] => []);
  for (const [from, successors] of edges.entries()) {
    for (const to of new Set(successors)) reversed[to]?.push(from);
  }
  return reversed;
}

/** Per node, whether some path leads to it from one of these. */
export function reachable(
  edges: readonly (readonly number[])[],
  starts: readonly number[],
): boolean[] {
  const seen = edges.map(() => false);
  const open = [...starts];
  for (const start of starts) seen[start] = true;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const next of edges[node] as readonly number[]) {
      if (seen[next]) continue;
      seen[next] = true;
      open.push(next);
    }
  }
  return seen;
}

/**
 * The strongly connected components that contain a cycle, each in ascending order, by their first
 * node (Tarjan 1972).
 */
export function cyclesOf(edges: readonly (readonly number[])[]): number[][] {
  const order = new Int32Array(edges.length).fill(-1);
  const low = new Int32Array(edges.length);
  const isOpen = new Uint8Array(edges.length);
  const component: number[] = [];
  const cycles: number[][] = [];
  let count = 0;
  for (let start = 0; start < edges.length; start++) {
    if (order[start] !== -1) continue;
    const stack: { node: number; position: number }[] = [];
    const enter = (node: number): void => {
      order[node] = low[node] = count++;
      isOpen[node] = 1;
      component.push(node);
      stack.push({ node, position: 0 });
    };
    enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { node } = top;
      const next = edges[node]?.[top.position++];
      if (next !== undefined) {
        if (order[next] === -1) enter(next);
        else if (isOpen[next]) low[node] = Math.min(low[node] as number, order[next] as number);
        continue;
      }
      stack.pop();
      const above = stack.at(-1);
      if (above !== undefined) {
        low[above.node] = Math.min(low[above.node] as number, low[node] as number);
      }
      if (low[node] !== order[node]) continue;
      const members = component.splice(component.lastIndexOf(node));
      for (const member of members) isOpen[member] = 0;
      if (members.length > 1 || edges[node]?.includes(node)) {
        cycles.push(members.sort((a, b) => a - b));
      }
    }
  }
  return cycles.sort((a, b) => (a[0] as number) - (b[0] as number));
}
