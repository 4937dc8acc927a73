// A tree of thoughts as a Graphviz digraph. ThoughtTree calls it.

import type { ThoughtNode } from './thought-node.js';

const maxTextLength = 60;

/** A quoted DOT string, with backslashes and quotes escaped. */
const quote = (lines: readonly string[]): string =>
  `"${lines.map((line) => line.replace(/["\\]/g, '\\$&')).join('\\n')}"`;

function label(node: ThoughtNode): string {
  const { text } = node;
  const short = text.length > maxTextLength ? `…${text.slice(1 - maxTextLength)}` : text;
  const lines = [...(node.action === '' ? [] : [node.action]), JSON.stringify(short)];
  if (node.logprob !== 0 || node.probability !== 1) {
    lines.push(`p ${node.probability.toFixed(4)}, score ${node.score.toFixed(4)}`);
  }
  if (node.pathScore !== 0) lines.push(`thought ${node.pathScore.toFixed(4)}`);
  if (node.pruned !== undefined) lines.push(node.pruned);
  return quote(lines);
}

/** The nodes as a digraph: pruned ones are dashed, finished thoughts have a double border. */
export function drawThoughts(root: ThoughtNode, finished: ReadonlySet<ThoughtNode>): string {
  const lines = ['digraph ThoughtTree {', '  rankdir=LR;', '  node [shape=box];'];
  let count = 0;
  const pending: [ThoughtNode, number][] = [[root, -1]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [node, parent] = next;
    const index = count++;
    const style = node.pruned === undefined ? '' : ', style=dashed';
    const border = finished.has(node) ? ', peripheries=2' : '';
    lines.push(`  n${index} [label=${label(node)}${style}${border}];`);
    if (parent >= 0) lines.push(`  n${parent} -> n${index};`);
    for (const child of [...node.children].reverse()) pending.push([child, index]);
  }
  return [...lines, '}', ''].join('\n');
}
