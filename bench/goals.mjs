// What the trials are to reach, each figure beside its goal. A goal that is missed is reported and
// no error: an error is a wrong result, and the trials throw for those themselves.

import { printTable } from './report.mjs';

const verdict = ({ met }) => (met ? 'met' : 'not met');

/** `what` reads as a figure's name; `show` makes text of figure and limit. */
export function atMost(what, value, limit, show) {
  return { what, value: show(value), goal: `≤ ${show(limit)}`, met: value <= limit };
}

export function atLeast(what, value, limit, show) {
  return { what, value: show(value), goal: `≥ ${show(limit)}`, met: value >= limit };
}

/** A count that is `wanted` or wrong. */
export function exactly(what, value, wanted) {
  return { what, value: String(value), goal: `= ${wanted}`, met: value === wanted };
}

/** Prints a trial's goals below its table, and gives them. */
export function tell(...goals) {
  for (const each of goals) {
    console.log(`${each.what}: ${each.value} (goal ${each.goal}: ${verdict(each)})`);
  }
  return goals;
}

/** All goals in one place; `goals` by the name of their trial. */
export function printGoals(goals) {
  const rows = [...goals].flatMap(([trial, list]) => {
    return list.map((each) => [trial, each.what, each.value, each.goal, verdict(each)]);
  });
  printTable('goals', ['trial', '', 'measured', 'goal', ''], rows);
}
