// The cost of several scored trees as one. `lib/decide/decide.ts` uses it.

import { type Cost, noCost, type Timings, type Usage } from '../common/usage.js';
import type { TreeScores } from '../tree/tree-scoring.js';

type Counts = { [name: string]: number };

/**
 * Tokens are added up. Calls and times are, too, unless the trees were scored together: then each
 * has those of the whole.
 */
export function sumOfCosts(costs: readonly (Cost & Pick<TreeScores, 'together'>)[]): Cost {
  const sum = noCost();
  const add = (total: Counts, counts: Counts, together: boolean): void => {
    for (const [name, count] of Object.entries(counts)) {
      const shared = together && !/Tokens$/.test(name);
      total[name] = shared ? Math.max(total[name] ?? 0, count) : (total[name] ?? 0) + count;
    }
  };
  for (const { usage, timings, together = false } of costs) {
    add(sum.usage as Usage & Counts, { ...usage }, together);
    add(sum.timings as Timings & Counts, { ...timings }, together);
  }
  return sum;
}
