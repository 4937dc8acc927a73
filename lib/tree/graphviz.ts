// A token tree as a Graphviz digraph. TokenChoiceTree calls it.

import type { TokenChoiceNode } from './token-choice-node.js';

/** Lines as a quoted DOT string, with backslashes and quotes escaped. */
export const quote = (lines: readonly string[]): string =>
  `"${lines.map((line) => line.replace(/["\\]/g, '\\$&')).join('\\n')}"`;

function label(node: TokenChoiceNode): string {
  const lines: string[] = [];
  if (node.parent < 0) lines.push('prompt');
  else if (node.text === undefined) lines.push(`#${node.token}`);
  // JSON makes control characters and leading or trailing spaces visible.
  else lines.push(`${JSON.stringify(node.text)} #${node.token}`);
  if (node.parent >= 0 && node.logprob !== undefined) {
    lines.push(`logprob ${node.logprob.toFixed(4)}`, `sum ${node.cumulative?.toFixed(4)}`);
  }
  if (node.rank !== undefined) lines.push(`rank ${node.rank}`);
  if (node.end !== undefined) lines.push(`end ${node.end.toFixed(4)}`);
  if (node.choices.length > 0) lines.push(`choice ${node.choices.join(', ')}`);
  return quote(lines);
}

/** The nodes as a digraph; nodes where a choice ends have a double border. */
export function toGraphviz(nodes: readonly TokenChoiceNode[]): string {
  const lines = ['digraph TokenChoiceTree {', '  rankdir=LR;', '  node [shape=box];'];
  for (const node of nodes) {
    const border = node.choices.length > 0 ? ', peripheries=2' : '';
    lines.push(`  n${node.index} [label=${label(node)}${border}];`);
    if (node.parent >= 0) lines.push(`  n${node.parent} -> n${node.index};`);
  }
  return [...lines, '}', ''].join('\n');
}
