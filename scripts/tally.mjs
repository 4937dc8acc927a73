// Counts TAP results of test runners, and prints the final line of every test command.
import { Parser } from 'tap-parser';

/** Counts passed and failed assertions, without skipped and todo ones. A failed runner counts as at least one failure. */
export function count(tap, exitedWell) {
  const asserts = Parser.parse(tap, { flat: true }).flatMap(([event, result]) =>
    event === 'assert' ? [result] : [],
  );
  const counted = asserts.filter(({ skip, todo }) => !skip && !todo);
  const failures = [];
  const files = new Map();
  for (const { ok, fullname, name, diag } of counted) {
    // tap's names start with the file; an executable's tests have no file.
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

/** Prints the totals as the last line, and sets a failure exit code if anything failed. */
export function conclude(tallies) {
  const sum = (key) => tallies.reduce((total, tally) => total + tally[key], 0);
  if (sum('failed') > 0) process.exitCode = 1;
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
}
