// Seeded random numbers: the same cases in every run.

import { at } from '../../test/suite/oracle.js';

/** Draws from one sequence of numbers, which the seed decides. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to below `size`. */
  below(size: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * size);
  }

  /** An integer from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  pick<T>(values: readonly T[]): T {
    return at(values, this.below(values.length));
  }

  /** `count` of the values, each as often as chance will have it. */
  several<T>(values: readonly T[], count: number): T[] {
    return Array.from({ length: count }, () => this.pick(values));
  }
}
