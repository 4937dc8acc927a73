// Splits the cost of requests that scored several trees together. The strategies that return
// numbers use it.

import type { Cost } from '../../common/usage.js';
import type { TreeTask } from '../../tree/tree-scoring.js';

/**
 * The cost of each task: the first one carries the cost of the requests, the others shared them.
 */
export function costsOf(tasks: readonly TreeTask[], { usage, timings }: Cost): Cost[] {
  return tasks.map(({ prompt }, index) => {
    const own = index === 0 ? usage : { ...usage, cachedTokens: 0, decodedTokens: 0 };
    return { usage: { ...own, promptTokens: prompt.length }, timings };
  });
}
