// Displays the answer to a question in the terminal: a line and a table with bars.

import type { DecisionAnswer, DecisionOption } from '../../decide/answer.js';
import { lineWidth, paint } from '../output.js';
import { type Column, columns } from './table.js';
import { nats, percent, percentRange, quote } from './text.js';

const barWidth = 24;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A probability as a bar, with a resolution of an eighth of a character. */
function bar(probability: number): string {
  const parts = Math.round(probability * barWidth * 8);
  return '█'.repeat(Math.floor(parts / 8)) + (eighths[parts % 8] ?? '');
}

function headline(name: string, answer: DecisionAnswer): string {
  const { confidence, mass, agreement, orders } = answer;
  const facts = [`confidence ${confidence.toFixed(2)}`, `mass ${percent(mass)}`];
  if (orders.length > 1) facts.push(`${percent(agreement)} of ${orders.length} orders agree`);
  return `${paint('bold', quote(name))}: ${paint('green', verdict(answer))} (${facts.join(', ')})`;
}

function verdict(answer: DecisionAnswer): string {
  if (answer.type === 'choice') return quote(answer.choice);
  if (answer.type === 'boolean') return `${percent(answer.probability)} yes`;
  return `${answer.score.toFixed(2)} of ${answer.probabilities.length - 1}`;
}

/** One question's answer. */
export function decisionView(name: string, answers: Record<string, DecisionAnswer>): string {
  const answer = answers[name] as DecisionAnswer;
  const { options, orders } = answer;
  const withSpread = orders.length > 1;
  const titles: Column[] = [
    ['', 'left'],
    ['', 'left'],
    ['', 'right'],
    ['', 'right'],
    ...(withSpread ? [['', 'right'] as const] : []),
  ];
  const width = Math.max(12, lineWidth() - barWidth - 45);
  const rows = options.map(({ name, probability, interval, logprob, spread }: DecisionOption) => [
    `  ${quote(name, width)}`,
    bar(probability).padEnd(barWidth),
    percentRange(interval ?? [probability, probability]),
    nats(logprob),
    ...(withSpread ? [`±${percent(spread / 2)}`] : []),
  ]);
  return `${headline(name, answer)}\n${columns(titles, rows)}\n`;
}
