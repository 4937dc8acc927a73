// What each of several trees cost that were scored in the same requests. The strategies with
// numbers use it.

import type { Cost } from '../../common/usage.js';
import type { TreeTask } from '../../tree/tree-scoring.js';

/** Each task's part: the first has what its requests cost, the others shared them. */
export function costsOf(tasks: readonly TreeTask[], { usage, timings }: Cost): Cost[] {
  return tasks.map(({ prompt }, index) => {
    const own = index === 0 ? usage : { ...usage, cachedTokens: 0, decodedTokens: 0 };
    return { usage: { ...own, promptTokens: prompt.length }, timings };
  });
}
