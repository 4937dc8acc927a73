// An automaton as a Graphviz digraph. Automaton calls it.

import { quote } from '../tree/graphviz.js';
import type { Action } from './actions.js';
import { successorsOf } from './graph.js';

const longest = 40;

/** JSON makes control characters and leading or trailing spaces visible. */
function show(text: string): string {
  return JSON.stringify(text.length > longest ? `${text.slice(0, longest)}…` : text);
}

function linesOf(action: Action): string[] {
  const lines = [`${action.id}: ${action.type}`];
  if (action.type === 'text') {
    lines.push(show(action.text));
    if (action.evaluate) lines.push('scored');
    return lines;
  }
  if (action.type === 'choose') {
    const [first, second, third, ...rest] = action.choices.map(show);
    lines.push([first, second, third].filter((choice) => choice !== undefined).join(' | '));
    if (rest.length > 0) lines.push(`and ${rest.length} more`);
  } else {
    lines.push(`at most ${action.maxTokens} tokens`);
    if (typeof action.vocabulary === 'string') lines.push(`of ${action.vocabulary}`);
    if (action.beams !== undefined) lines.push(`beams ${action.beams}`);
  }
  if (action.width !== undefined) lines.push(`width ${action.width}`);
  if (action.threshold !== undefined) lines.push(`threshold ${action.threshold}`);
  return lines;
}

/** The actions as a digraph: the entry is bold, actions that may end have a double border. */
export function toGraphviz(actions: readonly Action[]): string {
  const lines = ['digraph Automaton {', '  rankdir=LR;', '  node [shape=box];'];
  for (const [index, successors] of successorsOf(actions).entries()) {
    const action = actions[index] as Action;
    const style = index === 0 ? ', style=bold' : '';
    const border = successors.length === 0 ? ', peripheries=2' : '';
    lines.push(`  n${index} [label=${quote(linesOf(action))}${style}${border}];`);
    const choices = action.type === 'choose' && successors.length > 1 ? action.choices : [];
    for (const [position, successor] of successors.entries()) {
      const choice = choices[position];
      const label = choice === undefined ? '' : ` [label=${quote([show(choice)])}]`;
      lines.push(`  n${index} -> n${successor}${label};`);
    }
  }
  return [...lines, '}', ''].join('\n');
}
