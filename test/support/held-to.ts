// An LM as the shared suite wants it, where the class has no `greedy`: everything that the class
// has is its own, and the truth that it is held to comes from another LM of the same model.

import type { ChoiceLM, LM } from 'autocog-lm';

/**
 * @param lm whose answers are tested
 * @param truth gives what `lm` does not have; it stays open
 */
export function heldTo(lm: LM, truth: ChoiceLM): ChoiceLM {
  const of = (owner: object, key: string | symbol): unknown => {
    const value: unknown = Reflect.get(owner, key, owner);
    return typeof value === 'function' ? value.bind(owner) : value;
  };
  return new Proxy(lm, {
    get: (_, key) => of(key in lm ? lm : truth, key),
  }) as LM as ChoiceLM;
}
