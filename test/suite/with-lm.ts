// An LM for the length of one test.

import type { ChoiceLM } from 'autocog-lm';
import type { Test } from 'tap';

/** Makes a fresh LM. */
export type MakeLM<T extends ChoiceLM = ChoiceLM> = () => T | Promise<T>;

/** Calls `use` with an LM that is closed afterwards, whatever happens. */
export async function withLM<T extends ChoiceLM>(
  make: MakeLM<T>,
  use: (lm: T) => Promise<void>,
): Promise<void> {
  const lm = await make();
  try {
    await use(lm);
  } finally {
    await lm.close();
  }
}

/** Defines one test that has an LM of its own. */
export function testWith<T extends ChoiceLM>(
  t: Test,
  make: MakeLM<T>,
  sentence: string,
  body: (t: Test, lm: T) => Promise<void>,
): void {
  t.test(sentence, (t) => withLM(make, (lm) => body(t, lm)));
}

/** Fails unless two numbers are as near as `tolerance`. */
export function near(
  t: Test,
  found: number,
  expected: number,
  tolerance: number,
  what: string,
): void {
  const off = Math.abs(found - expected);
  const equal = found === expected || off <= tolerance;
  t.ok(equal, `${what}: ${found} is ${expected}`, equal ? {} : { found, expected, off, tolerance });
}
