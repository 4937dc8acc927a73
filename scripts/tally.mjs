// Counts what test runners report in TAP, and prints the one line that every test command ends with.
import { Parser } from 'tap-parser';

/** Assertions that passed and failed; skipped and todo ones are neither. A runner that failed counts for at least one. */
export function count(tap, exitedWell) {
  const asserts = Parser.parse(tap, { flat: true }).flatMap(([event, result]) =>
    event === 'assert' ? [result] : [],
  );
  const counted = asserts.filter(({ skip, todo }) => !skip && !todo);
  const failures = counted.filter(({ ok }) => !ok).map(({ fullname, name }) => fullname || name);
  const failed = failures.length;
  const passed = counted.length - failed;
  return {
    passed,
    failures,
    failed: exitedWell && counted.length > 0 ? failed : Math.max(failed, 1),
  };
}

/** Prints the sum as the last line and makes the process fail if anything did. */
export function conclude(tallies) {
  const sum = (key) => tallies.reduce((total, tally) => total + tally[key], 0);
  if (sum('failed') > 0) process.exitCode = 1;
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
}
