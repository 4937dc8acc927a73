// Runs a property of fast-check for the fuzzers, and reports a failure with how to repeat it.
import { writeSync } from 'node:fs';
import fc from 'fast-check';
import { PlainError } from '../../run.mjs';

/** The longest that one input may take, in milliseconds: far more than any does. */
export const maxMs = 30_000;

/** Counts outcomes by name, for the last line. */
export class Tally {
  #counts = new Map();

  add(name) {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  toString() {
    return [...this.#counts].map(([name, count]) => `${count} ${name}`).join(', ');
  }
}

/** Checks a value of the arbitrary again and again; throws a PlainError for the first that fails. */
export async function check(kind, arbitrary, test, options) {
  const { seed, runs, seconds, path, endOnFailure = false } = options;
  const property = fc.asyncProperty(arbitrary, async (value) => {
    const start = performance.now();
    await test(value);
    const took = performance.now() - start;
    if (took > maxMs) throw new Error(`it took ${Math.round(took)} ms`);
  });
  const limits = {
    numRuns: runs ?? 2 ** 31 - 1,
    ...(seconds === undefined
      ? {}
      : { interruptAfterTimeLimit: 1000 * seconds, markInterruptAsFailure: false }),
  };
  const details = await fc.check(property, { seed, path, ...limits, endOnFailure });
  if (!details.failed) return details.numRuns;
  const value = fc.stringify(details.counterexample);
  writeSync(2, `${value.slice(0, 5000)}\n`);
  throw new PlainError(
    `${kind} fails: ${details.errorInstance?.stack ?? details.error}\n` +
      `  npm run fuzz -- ${kind} --seed ${details.seed} --path ${details.counterexamplePath}`,
  );
}

/** Throws unless an error is one that the package documents. */
export function expectError(error, codes) {
  if (error instanceof Error && codes.includes(error.code)) return error.code;
  throw new Error('an error without a code that is expected here', { cause: error });
}
