// What a conversion may cost. Schemas come from strangers, too: there are short ones whose grammar
// would be endless. The parts of the converter count their steps here.

import { NotSupportedError } from '../common/errors.js';

/** Far more than the largest schemas in use take; about a second of work. */
const maxSteps = 2_000_000;

/** The steps of one conversion. */
export class Work {
  #steps = 0;

  get steps(): number {
    return this.#steps;
  }

  /** Counts steps; throws a NotSupportedError beyond the limit. */
  spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps <= maxSteps) return;
    throw new NotSupportedError(
      `Cannot convert a schema that takes more than ${maxSteps} steps to a grammar`,
    );
  }
}
