// Merges what needs no actions of its own: chains of unscored text, and empty texts.

import type { Action } from './actions.js';
import { compact } from './json-objects.js';

/** The automaton while it is being changed. */
interface Draft {
  entry: string;
  actions: Map<string, Action>;
  next: Map<string, string[]>;
  /** Per action, how many `next` entries name it from each predecessor. */
  before: Map<string, Map<string, number>>;
}

function draftOf(actions: readonly Action[]): Draft {
  const draft: Draft = {
    entry: (actions[0] as Action).id,
    actions: new Map(actions.map((action) => [action.id, action])),
    next: new Map(),
    before: new Map(actions.map(({ id }) => [id, new Map()])),
  };
  for (const { id, next = [] } of actions) setNext(draft, id, [...next]);
  return draft;
}

function setNext({ next, before }: Draft, id: string, successors: string[]): void {
  for (const old of next.get(id) ?? []) before.get(old)?.delete(id);
  next.set(id, successors);
  for (const successor of successors) {
    const counts = before.get(successor) as Map<string, number>;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
}

function remove(draft: Draft, id: string): void {
  setNext(draft, id, []);
  draft.actions.delete(id);
  draft.next.delete(id);
  draft.before.delete(id);
}

const isFixed = (action: Action | undefined): boolean =>
  action?.type === 'text' && action.evaluate !== true;

/** Appends to an unscored text those that always follow it, and that follow nothing else. */
function mergeFrom(draft: Draft, id: string): void {
  const texts: string[] = [];
  for (;;) {
    const successors = draft.next.get(id) as string[];
    const [successor] = successors;
    if (successor === undefined || successors.length > 1) break;
    const action = draft.actions.get(successor) as Action;
    const isOnly = draft.before.get(successor)?.size === 1;
    if (!isOnly || successor === draft.entry || successor === id) break;
    if (action.type !== 'text' || !isFixed(action)) break;
    texts.push(action.text);
    const after = draft.next.get(successor) as string[];
    remove(draft, successor);
    setNext(draft, id, after);
  }
  const action = draft.actions.get(id) as Action;
  if (texts.length === 0 || action.type !== 'text') return;
  draft.actions.set(id, { ...action, text: action.text + texts.join('') });
}

/** What a predecessor's successors become without an empty text; undefined: it must stay. */
function without(
  draft: Draft,
  predecessor: string,
  id: string,
  after: readonly string[],
): string[] | undefined {
  const successors = draft.next.get(predecessor) as string[];
  const isChoose = draft.actions.get(predecessor)?.type === 'choose';
  if (isChoose) {
    const [first] = after;
    if (after.length === 1)
      return successors.map((each) => (each === id ? (first as string) : each));
    // Some choices cannot end where others continue.
    const ends = (each: string): boolean => {
      const action = draft.actions.get(each);
      const isEmpty = action?.type === 'text' && action.text === '';
      return isEmpty && draft.next.get(each)?.length === 0;
    };
    return after.length === 0 && successors.every(ends) ? [] : undefined;
  }
  if (after.length === 0) return successors.length === 1 ? [] : undefined;
  const changed = successors.flatMap((each) => (each === id ? after : [each]));
  return new Set(changed).size === changed.length ? changed : undefined;
}

/** Removes an empty text where its predecessors can do without it. */
function dropEmpty(draft: Draft, id: string): void {
  const action = draft.actions.get(id);
  if (action?.type !== 'text' || action.text !== '') return;
  const after = draft.next.get(id) as string[];
  // An entry that is the whole automaton, or that forks, stays.
  if (id === draft.entry && after.length !== 1) return;
  const predecessors = [...(draft.before.get(id) as Map<string, number>).keys()];
  const changes = predecessors.map((each) => without(draft, each, id, after));
  if (changes.includes(undefined)) return;
  for (const [index, predecessor] of predecessors.entries()) {
    setNext(draft, predecessor, changes[index] as string[]);
  }
  if (id === draft.entry) draft.entry = after[0] as string;
  remove(draft, id);
}

/** Removes what no action leads to any more: empty texts that ended other choices. */
function dropUnreachable(draft: Draft): void {
  for (const [id, predecessors] of [...draft.before]) {
    if (predecessors.size === 0 && id !== draft.entry) remove(draft, id);
  }
}

/** The simplified actions, the entry first; unchanged ones are the same objects. */
export function simplifyActions(actions: readonly Action[]): Action[] {
  const draft = draftOf(actions);
  for (const { id } of actions) if (draft.actions.has(id)) dropEmpty(draft, id);
  dropUnreachable(draft);
  for (const { id } of actions) if (isFixed(draft.actions.get(id))) mergeFrom(draft, id);
  const ids = [...draft.actions.keys()].filter((id) => id !== draft.entry);
  return [draft.entry, ...ids].map((id) => {
    const action = draft.actions.get(id) as Action;
    const next = draft.next.get(id) as string[];
    const isSame =
      next.length === (action.next?.length ?? 0) &&
      next.every((each, index) => each === action.next?.[index]);
    if (isSame && Object.isFrozen(action)) return action;
    return compact({ ...action, next: next.length === 0 ? undefined : Object.freeze(next) });
  });
}
