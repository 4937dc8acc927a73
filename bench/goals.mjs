// The trials' goals. A missed goal is reported but is not an error; trials throw for wrong results
// themselves.

import { printTable } from './report.mjs';

const verdict = ({ met }) => (met ? 'met' : 'not met');

/** `what` names the figure; `show` formats the figure and its limit. */
export function atMost(what, value, limit, show) {
  return { what, value: show(value), goal: `≤ ${show(limit)}`, met: value <= limit };
}

export function atLeast(what, value, limit, show) {
  return { what, value: show(value), goal: `≥ ${show(limit)}`, met: value >= limit };
}

/** A count that must equal `expected`. */
export function exactly(what, value, expected) {
  return { what, value: String(value), goal: `= ${expected}`, met: value === expected };
}

/** Prints a trial's goals below its table, and returns them. */
export function reportGoals(...goals) {
  for (const each of goals) {
    console.log(`${each.what}: ${each.value} (goal ${each.goal}: ${verdict(each)})`);
  }
  return goals;
}

/** Prints all goals in one table; `goals` maps trial names to lists. */
export function printGoals(goals) {
  const rows = [...goals].flatMap(([trial, list]) => {
    return list.map((each) => [trial, each.what, each.value, each.goal, verdict(each)]);
  });
  printTable('goals', ['trial', '', 'measured', 'goal', ''], rows);
}
