// Displays a tree of thoughts in the terminal: the best thought, and every node with its scores.

import type { ThoughtNode } from '../../thoughts/thought-node.js';
import type { EvaluationEnd, ThoughtTree } from '../../thoughts/thought-tree.js';
import { lineWidth, paint } from '../output.js';
import { costLine } from './cost-view.js';
import { type Column, columns } from './table.js';
import { elide, nats, percent, plural, quote } from './text.js';

const ends: Readonly<Record<EvaluationEnd, string>> = {
  exhausted: 'all thoughts were followed',
  best: 'no other thought can become better',
  stopAfter: 'it stopped after that many finished thoughts',
  maxThoughts: 'it stopped at the limit of thoughts',
  maxTokens: 'it stopped at the limit of tokens',
  abort: 'it was interrupted',
};

/** The text of the best thought, the tree, and what it cost. */
export function thoughtView(tree: ThoughtTree): string {
  const best = tree.best();
  const finished = plural(tree.paths().length, 'finished thought');
  const scores = best && `score ${nats(best.score)}, log-probability ${nats(best.logprob)}; `;
  return [
    ...(best === undefined ? [] : [paint('green', best.text), '']),
    thoughtTree(tree, new Set(best?.nodes)),
    '',
    `${scores ?? ''}${finished}; ${ends[tree.end]}`,
    paint('dim', costLine(tree)),
  ].join('\n');
}

const treeColumns: readonly Column[] = [
  ['text', 'left'],
  ['action', 'left'],
  ['probability', 'right'],
  ['log-prob', 'right'],
  ['score', 'right'],
  ['thought', 'right'],
  ['', 'left'],
];

/** A node, and what stands before its text: its own connector, and the lines of its ancestors. */
interface Row {
  node: ThoughtNode;
  connector: string;
  indent: string;
}

/**
 * The nodes, best first; without branching, a node stands directly below its parent. The probability
 * is among the results of the same action; the score is the node's own, and that of the thought is up
 * to the node. Nodes of the best thought are green.
 */
function thoughtTree(tree: ThoughtTree, best: ReadonlySet<ThoughtNode>): string {
  const rows: string[][] = [];
  const width = Math.max(20, Math.floor(lineWidth() / 2));
  const open: Row[] = [{ node: tree.root, connector: '', indent: '' }];
  for (let row = open.pop(); row !== undefined; row = open.pop()) {
    const { node, connector, indent } = row;
    const label = `${elide(connector, width / 2)}${quote(node.text, width)}`;
    const cells = [label, node.action, ...scoresOf(node), noteOf(tree, node)];
    rows.push(best.has(node) ? cells.map((cell) => paint('green', cell)) : cells);
    const { children } = node;
    const isChain = children.length === 1;
    for (let index = children.length - 1; index >= 0; index--) {
      const isLast = index === children.length - 1;
      open.push({
        node: children[index] as ThoughtNode,
        connector: isChain ? indent : `${indent}${isLast ? '└── ' : '├── '}`,
        indent: isChain ? indent : `${indent}${isLast ? '    ' : '│   '}`,
      });
    }
  }
  return columns(treeColumns, rows);
}

/** Empty for what counts as certain. */
function scoresOf({ probability, logprob, score, pathScore }: ThoughtNode): string[] {
  const isCertain = logprob === 0 && probability === 1;
  const own = isCertain ? ['', '', ''] : [percent(probability), nats(logprob), nats(score)];
  return [...own, pathScore === 0 ? '' : nats(pathScore)];
}

/** Why a node has no continuation, or what ended its text. */
function noteOf(tree: ThoughtTree, node: ThoughtNode): string {
  const { pruned, stop } = node;
  const notes = [
    ...(stop === undefined || stop.reason === 'text' ? [] : [`(${stop.reason})`]),
    ...(stop?.text === undefined ? [] : [`(stop ${quote(stop.text, 20)})`]),
    ...(pruned === undefined ? [] : [pruned]),
    ...(tree.isFinished(node) ? ['finished'] : []),
  ];
  return notes.join(' ');
}
