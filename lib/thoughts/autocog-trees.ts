// AutoCog's files of trees (FTT): read as this package's trees, and written. ThoughtTree calls it.
// Their `logprob` is −log P of the whole path, their `length` counts the tokens of the prompt, too,
// and an action is an index of the file of the automaton.

import type { Action } from '../automaton/actions.js';
import type { Automaton } from '../automaton/automaton.js';
import { wrongRange } from '../common/arguments.js';
import { NotSupportedError } from '../common/errors.js';
import { type AutoCogThought, type NodeRecord, readFields } from './autocog-thoughts.js';
import { addScores } from './restored-scores.js';
import type { ThoughtNode } from './thought-node.js';

/** What a file has that a tree does not, by node. */
export type TreeRecord = ReadonlyMap<ThoughtNode, NodeRecord>;

/** A tree as read. */
export interface RestoredTree {
  root: ThoughtNode;
  finished: ReadonlySet<ThoughtNode>;
  record: TreeRecord;
  /** Whether every thought is finished or pruned. */
  isComplete: boolean;
}

/**
 * The actions of an automaton's file, by index. AutoCog lets no choice or completion end a thought:
 * `Automaton.toAutoCog` may have put an empty text after one, which stands for that action's end.
 */
function fileActions(automaton: Automaton): { uids: string[]; endOf: Map<string, string> } {
  const own = new Set(automaton.actions.map(({ id }) => id));
  const { actions } = automaton.toAutoCog();
  const endOf = new Map<string, string>();
  for (const { uid, successors = [] } of actions) {
    const [end] = successors;
    if (end !== undefined && own.has(uid) && !own.has(end)) endOf.set(uid, end);
  }
  return { uids: actions.map(({ uid }) => uid), endOf };
}

/** Reads a tree. Throws TypeError, RangeError that name the node. */
export function readAutoCogTree(value: unknown, automaton: Automaton): RestoredTree {
  const { uids, endOf } = fileActions(automaton);
  const record = new Map<ThoughtNode, NodeRecord>();
  const finished = new Set<ThoughtNode>();
  let isComplete = true;

  const read = (given: unknown, name: string, allowed: readonly string[]) => {
    const { node, children, uid, ...rest } = readFields(given, name, uids);
    if (!allowed.includes(node.action)) {
      const known = allowed.map((id) => `${uids.indexOf(id)} '${id}'`).join(', ');
      throw wrongRange(known === '' ? 'no action' : known, `${name}.action`, rest.action);
    }
    record.set(node, { ...rest, hasUid: uid !== undefined });
    return { node, children };
  };

  const first = read(value, 'the tree', [automaton.entry.id]);
  const open: { node: ThoughtNode; children: readonly unknown[]; name: string }[] = [
    { ...first, name: '' },
  ];
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    const { node, children, name } = each;
    const { next = [] } = automaton.action(node.action);
    const end = endOf.get(node.action);
    for (const [index, given] of children.entries()) {
      const place = `${name}${name === '' ? '' : '.'}children[${index}]`;
      const child = read(given, place, end === undefined ? next : [end]);
      if (end === undefined) {
        node.children.push(child.node);
        open.push({ ...child, name: place });
      } else {
        record.delete(child.node);
        finished.add(node);
      }
    }
    if (node.children.length > 0 || finished.has(node) || node.pruned !== undefined) continue;
    if (next.length === 0 && end === undefined) finished.add(node);
    else node.pruned = 'abandoned';
    isComplete &&= node.pruned === undefined;
  }
  addScores(first.node, automaton, record);
  return { root: first.node, finished, record, isComplete };
}

/** Writes a tree. Throws RangeError, NotSupportedError for what AutoCog does not have. */
export function writeAutoCogTree(
  root: ThoughtNode,
  finished: ReadonlySet<ThoughtNode>,
  record: TreeRecord,
  automaton: Automaton,
): AutoCogThought {
  const { uids, endOf } = fileActions(automaton);
  const own = new Set(automaton.actions.map(({ id }: Action) => id));
  if (root.action === '') {
    throw new NotSupportedError(
      'AutoCog has no trees of automata that do not begin with a fixed text',
    );
  }
  const write = (node: ThoughtNode, before: number): AutoCogThought => {
    const { action: id, text, tokens, logprobs, stop, replaced, pruned } = node;
    if (!own.has(id))
      throw wrongRange(`an automaton with the action '${id}'`, 'automaton', automaton);
    if (replaced > 0) {
      throw new NotSupportedError("AutoCog has no boundary 'healed', by which tokens are replaced");
    }
    const { others, rest = stop?.logprobs ?? [], hasText, hasUid, length } = record.get(node) ?? {};
    return {
      ...structuredClone(others),
      action: uids.indexOf(id),
      ...(hasUid ? { uid: id } : {}),
      ...(text === '' && !hasText ? {} : { text }),
      logprob: negated(node.pathLogprob),
      logprobs: [...logprobs, ...rest].map(negated),
      length: length ?? before + tokens.length,
      pruned: pruned === 'width' || pruned === 'threshold',
      tokens: [...tokens],
      children: [],
    };
  };

  const result = write(root, 0);
  const open: [ThoughtNode, AutoCogThought][] = [[root, result]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, written] = next;
    const end = endOf.get(node.action);
    if (end !== undefined && finished.has(node)) {
      const { logprob, length } = written;
      const action = uids.indexOf(end);
      const empty = { logprobs: [], pruned: false, tokens: [], children: [] };
      written.children.push({ action, logprob, length, ...empty });
    }
    for (const child of node.children) {
      const below = write(child, written.length);
      written.children.push(below);
      open.push([child, below]);
    }
  }
  return result;
}

/** −log P; null, as JSON has it, if P is 0. */
const negated = (logprob: number): number | null => (logprob === -Infinity ? null : 0 - logprob);
