// Adapts an LM without `greedy` to the shared suite: what the class implements is its own, and the
// reference values come from another LM of the same model.

import type { ChoiceLM, LM } from 'autocog-lm';

/**
 * @param lm the LM under test
 * @param truth provides what `lm` lacks; it stays open
 * @param lacking methods of `lm` that its server does not support: `truth` provides these, too
 */
export function heldTo(
  lm: LM,
  truth: ChoiceLM,
  lacking: readonly (keyof ChoiceLM)[] = [],
): ChoiceLM {
  const names: ReadonlySet<string | symbol> = new Set(lacking);
  const of = (owner: object, key: string | symbol): unknown => {
    const value: unknown = Reflect.get(owner, key, owner);
    return typeof value === 'function' ? value.bind(owner) : value;
  };
  return new Proxy(lm, {
    get: (_, key) => of(key in lm && !names.has(key) ? lm : truth, key),
  }) as LM as ChoiceLM;
}
