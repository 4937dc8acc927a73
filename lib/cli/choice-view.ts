// A Choice as a person sees it: the table of choices and the tree of their tokens.

import type { Choice, ScoredChoice } from '../choice.js';
import type { TokenChoiceNode } from '../token-choice-node.js';
import { lineWidth, paint } from './output.js';
import { type Column, columns, table } from './table.js';
import { nats, percent, quote } from './text.js';

const byRank = (a: ScoredChoice, b: ScoredChoice): number => a.rank - b.rank;

/** The choices, best first. The score is shown where it is not the log-probability. */
export function choiceTable({ choices, tree }: Choice): string {
  const scored = choices.some(({ score, logprob }) => score !== logprob);
  const heads: Column[] = [
    ['rank', 'right'],
    ['choice', 'left'],
    ['probability', 'right'],
    ['log-prob', 'right'],
    ...(scored ? [['score', 'right'] as const] : []),
    ['tokens', 'left'],
  ];
  // What the other columns and the frame leave, in equal parts.
  const width = Math.max(12, Math.floor((lineWidth() - (scored ? 56 : 44)) / 2));
  const nodes = tree.nodes();
  const pieces = (choice: ScoredChoice): string[] =>
    Array.from(tree.nodesOf(choice.index), (node) => quote(nodes[node]?.text ?? ''));
  const rows = [...choices].sort(byRank).map((choice) => {
    const { rank, text, probability, logprob, score } = choice;
    const row = [
      String(rank),
      quote(text, width),
      percent(probability),
      nats(logprob),
      ...(scored ? [nats(score)] : []),
      fit(pieces(choice), width),
    ];
    return rank === 1 ? row.map((cell) => paint('green', cell)) : row;
  });
  return table(heads, rows);
}

/** As many of the pieces as the width holds, whole ones. */
function fit(pieces: readonly string[], width: number): string {
  const all = pieces.join(' ');
  if (all.length <= width) return all;
  let kept = pieces.length;
  const shown = (): string => `${pieces.slice(0, kept).join(' ')} … ${pieces.length} in all`;
  while (kept > 1 && shown().length > width) kept--;
  return shown();
}

const heads: readonly Column[] = [
  ['token', 'left'],
  ['id', 'right'],
  ['probability', 'right'],
  ['log-prob', 'right'],
  ['sum', 'right'],
  ['choice', 'left'],
];

/**
 * The tree of the choices' tokens, likelier branches first; where it does not branch, a token
 * stands right below the one before it. Each probability is the one after the tokens above;
 * the sum is that of the log-probabilities so far.
 */
export function choiceTree({ choices, tree }: Choice): string {
  const nodes = tree.nodes();
  const rows: string[][] = [];
  const addRow = (label: string, id: string, logprob: number, sum: number, ends: string): void => {
    rows.push([label, id, percent(Math.exp(logprob)), nats(logprob), nats(sum), ends]);
  };
  const namesOf = (node: TokenChoiceNode): string =>
    node.choices.map((index) => quote((choices[index] as ScoredChoice).text, 40)).join(', ');

  const draw = (node: TokenChoiceNode, indent: string): void => {
    const { cumulative = 0, end } = node;
    const children = node.children
      .map((index) => nodes[index] as TokenChoiceNode)
      .sort((a, b) => (b.logprob as number) - (a.logprob as number));
    const branches = children.length + (end === undefined ? 0 : 1);
    const mark = (last: boolean): string => (branches === 1 ? '' : last ? '└── ' : '├── ');
    if (end !== undefined) {
      const label = `${indent}${mark(children.length === 0)}(end)`;
      addRow(label, '', end, cumulative + end, namesOf(node));
    }
    for (const [place, child] of children.entries()) {
      const last = place === children.length - 1;
      const label = `${indent}${mark(last)}${quote(child.text ?? '')}`;
      const ends = child.end === undefined ? namesOf(child) : '';
      addRow(label, String(child.token), child.logprob as number, child.cumulative as number, ends);
      draw(child, branches === 1 ? indent : `${indent}${last ? '    ' : '│   '}`);
    }
  };
  draw(nodes[0] as TokenChoiceNode, '');
  return columns(heads, rows);
}
