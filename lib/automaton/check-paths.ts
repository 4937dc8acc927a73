// Refuses automata whose paths make no sense: actions that nothing leads to, actions after which no
// thought can finish, and cycles in which nothing happens.

import { wrongRange } from '../common/arguments.js';
import type { Action } from './actions.js';
import { cyclesOf, reachable, reverse, successorsOf } from './graph.js';
import { nameOf } from './names.js';

/** Throws a RangeError that names the first action at fault. */
export function checkPaths(actions: readonly Action[]): void {
  const edges = successorsOf(actions);
  const entry = (actions[0] as Action).id;
  refuseAt(actions, reachable(edges, [0]), (name, action) => {
    return wrongRange(`an action that can be reached from the entry '${entry}'`, name, action);
  });
  const ends = edges.flatMap((successors, index) => (successors.length === 0 ? [index] : []));
  refuseAt(actions, reachable(reverse(edges), ends), (name, { next }) => {
    return wrongRange('a path to an action without successors', `${name}.next`, next);
  });
  const isEmpty = actions.map((action) => action.type === 'text' && action.text === '');
  const empty = edges.map((successors, index) => {
    return isEmpty[index] ? successors.filter((successor) => isEmpty[successor]) : [];
  });
  for (const [index] of cyclesOf(empty) as [number][]) {
    const { id, next } = actions[index] as Action;
    throw wrongRange('no cycle of empty texts', `${nameOf(index, id)}.next`, next);
  }
}

function refuseAt(
  actions: readonly Action[],
  isGood: readonly boolean[],
  error: (name: string, action: Action) => RangeError,
): void {
  const index = isGood.indexOf(false);
  if (index < 0) return;
  const action = actions[index] as Action;
  throw error(nameOf(index, action.id), action);
}
