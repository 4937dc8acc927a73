// Log-probabilities of choices after a prior, and their cache: the same choice set is often scored
// after many prompts. `lib/choose/choose.ts` uses it; every LM has its own cache.

import { NotSupportedError } from '../common/errors.js';
import type { Cost } from '../common/usage.js';
import type { TreeScores, TreeTask } from '../tree/tree-scoring.js';
import { boundsOf, type Standing } from './bounds.js';
import { findDistinct } from './distinct-choices.js';

/** The maximum number of prior scores that an LM caches. */
export const maxPriors = 100_000;

/** What is scored for the priors of a set of choices. */
export interface PriorTask {
  /** Identifies the tokens before the choices and the terminator after them. */
  key: string;
  /** The prior's tokens. */
  prompt: Int32Array;
  /** Per choice: its tokens after the prior. */
  paths: readonly Int32Array[];
  /** Per choice: the divisor of its log-probability. */
  lengths: readonly number[];
}

/** LRU cache of log-probabilities by prior and path. */
export class PriorCache {
  readonly #limit: number;
  /** Both levels are in LRU order, most recently used last. */
  readonly #groups = new Map<string, Map<string, number>>();
  #size = 0;

  constructor(limit = maxPriors) {
    this.#limit = limit;
  }

  /** The number of cached log-probabilities. */
  get size(): number {
    return this.#size;
  }

  /** @param path the choice's tokens, as a {@link pathKey} */
  get(key: string, path: string): number | undefined {
    const logprob = this.#groups.get(key)?.get(path);
    if (logprob !== undefined) this.set(key, path, logprob);
    return logprob;
  }

  set(key: string, path: string, logprob: number): void {
    const group = this.#groups.get(key) ?? new Map<string, number>();
    this.#groups.delete(key);
    this.#groups.set(key, group);
    if (!group.delete(path)) this.#size++;
    group.set(path, logprob);
    while (this.#size > this.#limit) this.#evictOne();
  }

  #evictOne(): void {
    for (const [key, group] of this.#groups) {
      for (const path of group.keys()) {
        group.delete(path);
        this.#size--;
        if (group.size === 0) this.#groups.delete(key);
        return;
      }
    }
  }
}

/** The cache key of a path. */
export const pathKey = (path: Int32Array): string => path.join();

/** Scores the whole tree of some paths after the prior. */
export type ScoreAll = (
  paths: readonly Int32Array[],
) => Promise<{ task: TreeTask; scores: TreeScores & Cost }>;

/**
 * The log-probability of each choice after the prior. Only those not in the cache are scored; if
 * scoring fails, nothing is cached.
 */
export async function priorLogprobs(
  cache: PriorCache,
  { key, paths }: Pick<PriorTask, 'key' | 'paths'>,
  score: ScoreAll,
): Promise<{ logprobs: Float64Array; cost: Cost | undefined }> {
  const known = new Map<string, number>();
  const missing = new Map<string, Int32Array>();
  const keys = paths.map(pathKey);
  for (const [index, path] of keys.entries()) {
    const logprob = cache.get(key, path);
    if (logprob === undefined) missing.set(path, paths[index] as Int32Array);
    else known.set(path, logprob);
  }
  let cost: Cost | undefined;
  if (missing.size > 0) {
    const requested = [...missing.values()];
    const { task, scores } = await score(requested);
    const { tree, request } = task;
    const lengths = requested.map(() => 1);
    const offsets = requested.map(() => 0);
    const { entries, ...distinct } = findDistinct(tree.ends, lengths, offsets);
    const { standings } = boundsOf(tree, scores, request.endAt, distinct);
    for (const [index, path] of [...missing.keys()].entries()) {
      const { logprob, open } = standings[entries[index] as number] as Standing;
      if (open) {
        throw new NotSupportedError(
          'A prior requires exact log-probabilities, but this LM reports only bounds for some',
        );
      }
      known.set(path, logprob);
      cache.set(key, path, logprob);
    }
    cost = scores;
  }
  return { logprobs: Float64Array.from(keys, (path) => known.get(path) as number), cost };
}
