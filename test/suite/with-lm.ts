// Provides tests with an LM that is closed afterwards.

import type { ChoiceLM } from 'autocog-lm';
import type { Test } from 'tap';

/** Creates a new LM. */
export type MakeLM<T extends ChoiceLM = ChoiceLM> = () => T | Promise<T>;

/** Calls `use` with an LM that is closed afterwards, even on failure. */
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

/** Defines a test with its own LM. */
export function testWith<T extends ChoiceLM>(
  t: Test,
  make: MakeLM<T>,
  sentence: string,
  body: (t: Test, lm: T) => Promise<void>,
): void {
  t.test(sentence, (t) => withLM(make, (lm) => body(t, lm)));
}

/** Fails unless two numbers differ by at most `tolerance`. */
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
