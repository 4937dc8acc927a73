// Displays a Choice in the terminal: the table of choices and the tree of their tokens.

import type { Choice, ScoredChoice } from '../../choose/choice.js';
import type { TokenChoiceNode } from '../../tree/token-choice-node.js';
import { lineWidth, paint } from '../output.js';
import { type Column, columns, table } from './table.js';
import { nats, percent, percentRange, quote } from './text.js';

const byRank = (a: ScoredChoice, b: ScoredChoice): number => a.rank - b.rank;

/** A column of the table of choices, its width, and the content of its cells. */
type ChoiceColumn = readonly [...Column, width: number, cell: (choice: ScoredChoice) => string];

/** A value, or an upper bound if the choice is not fully evaluated. */
const formatBound = (value: number, { exact }: ScoredChoice): string =>
  exact ? nats(value) : `≤ ${nats(value)}`;

const numbers: readonly ChoiceColumn[] = [
  [
    'probability',
    'right',
    14,
    ({ interval, probability }) => percentRange(interval ?? [probability, probability]),
  ],
  ['log-prob', 'right', 12, (choice) => formatBound(choice.logprob, choice)],
];
const prior: ChoiceColumn = ['prior', 'right', 12, ({ priorLogprob = 0 }) => nats(priorLogprob)];
const score: ChoiceColumn = ['score', 'right', 12, (choice) => formatBound(choice.score, choice)];
const tokenRanks: ChoiceColumn = [
  'ranks',
  'left',
  12,
  ({ ranks = [] }) =>
    fitPieces(
      Array.from(ranks, (rank) => (rank > 0 ? String(rank) : '?')),
      16,
    ),
];

/** The choices, best first. The score is shown if it differs from the log-probability. */
export function choiceTable({ choices, tree }: Choice): string {
  const has = (holds: (choice: ScoredChoice) => boolean, column: ChoiceColumn) =>
    choices.some(holds) ? [column] : [];
  const middle = [
    ...numbers,
    ...has(({ priorLogprob }) => priorLogprob !== undefined, prior),
    ...has(({ score, logprob }) => score !== logprob, score),
    ...has(({ ranks }) => ranks !== undefined, tokenRanks),
  ];
  // The two text columns share equally what the other columns and the frame leave.
  const usedWidth = middle.reduce((sum, [, , width]) => sum + width, 18);
  const width = Math.max(12, Math.floor((lineWidth() - usedWidth) / 2));
  const nodes = tree.nodes();
  const pieces = (choice: ScoredChoice): string[] =>
    Array.from(tree.nodesOf(choice.index), (node) => quote(nodes[node]?.text ?? ''));
  const columns: ChoiceColumn[] = [
    ['rank', 'right', 0, ({ rank }) => String(rank)],
    ['choice', 'left', 0, ({ text }) => quote(text, width)],
    ...middle,
    ['tokens', 'left', 0, (choice) => fitPieces(pieces(choice), width)],
  ];
  const rows = [...choices].sort(byRank).map((choice) => {
    const row = columns.map(([, , , cell]) => cell(choice));
    return choice.rank === 1 ? row.map((cell) => paint('green', cell)) : row;
  });
  return table(
    columns.map(([title, side]) => [title, side]),
    rows,
  );
}

/** As many whole pieces as fit in the width. */
function fitPieces(pieces: readonly string[], width: number): string {
  const all = pieces.join(' ');
  if (all.length <= width) return all;
  let kept = pieces.length;
  const shown = (): string => `${pieces.slice(0, kept).join(' ')} … ${pieces.length} total`;
  while (kept > 1 && shown().length > width) kept--;
  return shown();
}

const treeColumns: readonly Column[] = [
  ['token', 'left'],
  ['id', 'right'],
  ['probability', 'right'],
  ['log-prob', 'right'],
  ['sum', 'right'],
];
const detailColumns: readonly Column[] = [
  ['rank', 'right'],
  ['top token', 'left'],
];

/**
 * The tree of the choices' tokens, most likely branches first; without branching, a token stands
 * directly below its predecessor. Each probability is conditional on the tokens above; the sum is
 * that of the log-probabilities so far. Tokens that were not evaluated have neither.
 */
export function choiceTree({ choices, tree }: Choice): string {
  const nodes = tree.nodes();
  const detailed = nodes.some(({ best }) => best !== undefined);
  const rows: string[][] = [];
  const addRow = (
    label: string,
    id: string,
    logprob: number | undefined,
    sum: number | undefined,
    ends: string,
    { rank, best }: Pick<TokenChoiceNode, 'rank' | 'best'> = {},
  ): void => {
    const values =
      logprob === undefined || sum === undefined
        ? ['?', '', '']
        : [percent(Math.exp(logprob)), nats(logprob), nats(sum)];
    const topToken = best && `${quote(best.text)} ${percent(best.probability)}`;
    const details = detailed ? [rank === undefined ? '' : String(rank), topToken ?? ''] : [];
    rows.push([label, id, ...values, ...details, ends]);
  };
  const namesOf = (node: TokenChoiceNode): string =>
    node.choices.map((index) => quote((choices[index] as ScoredChoice).text, 40)).join(', ');

  const draw = (node: TokenChoiceNode, indent: string): void => {
    const { cumulative = 0, end } = node;
    const children = node.children
      .map((index) => nodes[index] as TokenChoiceNode)
      .sort((a, b) => (b.logprob ?? -Infinity) - (a.logprob ?? -Infinity) || 0);
    const branches = children.length + (end === undefined ? 0 : 1);
    const connector = (last: boolean): string => (branches === 1 ? '' : last ? '└── ' : '├── ');
    if (end !== undefined) {
      const label = `${indent}${connector(children.length === 0)}(end)`;
      addRow(label, '', end, cumulative + end, namesOf(node));
    }
    for (const [index, child] of children.entries()) {
      const last = index === children.length - 1;
      const label = `${indent}${connector(last)}${quote(child.text ?? '')}`;
      const ends = child.end === undefined ? namesOf(child) : '';
      addRow(label, String(child.token), child.logprob, child.cumulative, ends, child);
      draw(child, branches === 1 ? indent : `${indent}${last ? '    ' : '│   '}`);
    }
  };
  draw(nodes[0] as TokenChoiceNode, '');
  return columns([...treeColumns, ...(detailed ? detailColumns : []), ['choice', 'left']], rows);
}
