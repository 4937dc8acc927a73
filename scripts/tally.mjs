// Counts what test runners report in TAP, and prints the one line that every test command ends with.
import { Parser } from 'tap-parser';

/** Assertions that passed and failed; skipped and todo ones are neither. A runner that failed counts for at least one. */
export function count(tap, exitedWell) {
  const asserts = Parser.parse(tap, { flat: true }).flatMap(([event, result]) =>
    event === 'assert' ? [result] : [],
  );
  const counted = asserts.filter(({ skip, todo }) => !skip && !todo);
  const failures = [];
  const files = new Map();
  for (const { ok, fullname, name, diag } of counted) {
    // tap names its files; an executable's tests have no file.
    const [file] = (fullname || name).split(' > ');
    const tally = files.get(file) ?? { passed: 0, failed: 0 };
    tally[ok ? 'passed' : 'failed']++;
    files.set(file, tally);
    if (!ok) failures.push({ name: fullname || name, diag });
  }
  const failed = failures.length;
  return {
    passed: counted.length - failed,
    failed: exitedWell && counted.length > 0 ? failed : Math.max(failed, 1),
    failures,
    files,
  };
}

/** Prints the sum as the last line and makes the process fail if anything did. */
export function conclude(tallies) {
  const sum = (key) => tallies.reduce((total, tally) => total + tally[key], 0);
  if (sum('failed') > 0) process.exitCode = 1;
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
}
