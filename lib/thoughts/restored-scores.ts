// The scores of a tree that was read from a file which has log-probabilities only.

import type { Automaton } from '../automaton/automaton.js';
import { resolveAction } from '../automaton/resolve-action.js';
import type { NodeRecord } from './autocog-thoughts.js';
import { divisorOf, probabilitiesOf, type Scored, scoreOf } from './thought.js';
import type { ThoughtNode } from './thought-node.js';

/** Sets scores, probabilities and the reasons of pruning, as the search would have set them. */
export function addScores(
  root: ThoughtNode,
  automaton: Automaton,
  record: ReadonlyMap<ThoughtNode, NodeRecord>,
): void {
  const { metric } = automaton;
  const resolved = new Map(
    automaton.actions.map((action) => [action.id, resolveAction(action, metric)]),
  );
  const open: [ThoughtNode, Scored][] = [[root, { logprob: 0, tokens: 0, bytes: 0 }]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [parent, before] = next;
    const groups = new Map<string, ThoughtNode[]>();
    for (const child of parent.children) {
      groups.set(child.action, [...(groups.get(child.action) ?? []), child]);
    }
    for (const [id, nodes] of groups) {
      const action = resolved.get(id) as NonNullable<ReturnType<typeof resolved.get>>;
      const isScored = action.type !== 'text' || action.evaluate;
      const normalize = action.type === 'text' ? 'tokens' : action.normalize;
      for (const [rank, node] of nodes.entries()) {
        const count = node.tokens.length + (record.get(node)?.rest?.length ?? 0);
        node.score = node.logprob / divisorOf(normalize, count, node.text);
        const scored = {
          logprob: node.pathLogprob,
          tokens: before.tokens + (isScored ? count : 0),
          bytes: before.bytes + (isScored ? Buffer.byteLength(node.text) : 0),
        };
        node.pathScore = scoreOf(scored, metric);
        const isWide = action.type !== 'text' && rank >= action.width;
        if (node.pruned === 'threshold' && isWide) node.pruned = 'width';
        open.push([node, scored]);
      }
      const probabilities = probabilitiesOf(
        nodes.map(({ score }) => score),
        nodes.map(({ tokens }) => `${tokens}`),
      );
      for (const [index, node] of nodes.entries()) {
        node.probability = isScored ? (probabilities[index] as number) : 1;
      }
    }
  }
}
