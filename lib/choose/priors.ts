// Log-probabilities of choices after a prior, and their keeping: one choice set is often asked
// about again and again. `lib/choose/choose.ts` uses it; every ChoiceLM has a cache of its own.

import { NotSupportedError } from '../common/errors.js';
import type { Cost } from '../common/usage.js';
import type { TreeScores, TreeTask } from '../tree/tree-scoring.js';
import { boundsOf, type Standing } from './bounds.js';
import { findDistinct } from './distinct-choices.js';

/** How many choices' priors an LM keeps, in all. */
export const priorLimit = 100_000;

/** What is scored for the priors of a set of choices. */
export interface PriorTask {
  /** Equal for equal tokens before the choices and equal ends after them. */
  key: string;
  /** The prior's tokens. */
  prompt: Int32Array;
  /** Per choice: its tokens after the prior. */
  paths: readonly Int32Array[];
  /** Per choice: what its log-probability is divided by. */
  lengths: readonly number[];
}

/** Log-probabilities by prior and path, those last used longest ago given up first. */
export class PriorCache {
  readonly #limit: number;
  /** Most recently used last, in both kinds of map. */
  readonly #groups = new Map<string, Map<string, number>>();
  #size = 0;

  constructor(limit = priorLimit) {
    this.#limit = limit;
  }

  /** How many choices it holds. */
  get size(): number {
    return this.#size;
  }

  /** @param name the choice's tokens, as {@link nameOf} writes them */
  get(key: string, name: string): number | undefined {
    const logprob = this.#groups.get(key)?.get(name);
    if (logprob !== undefined) this.set(key, name, logprob);
    return logprob;
  }

  set(key: string, name: string, logprob: number): void {
    const group = this.#groups.get(key) ?? new Map<string, number>();
    this.#groups.delete(key);
    this.#groups.set(key, group);
    if (!group.delete(name)) this.#size++;
    group.set(name, logprob);
    while (this.#size > this.#limit) this.#giveUpOne();
  }

  #giveUpOne(): void {
    for (const [key, group] of this.#groups) {
      for (const name of group.keys()) {
        group.delete(name);
        this.#size--;
        if (group.size === 0) this.#groups.delete(key);
        return;
      }
    }
  }
}

/** What a path is known by. */
export const nameOf = (path: Int32Array): string => path.join();

/** Scores the tree of some paths after the prior, all of it. */
export type ScoreAll = (
  paths: readonly Int32Array[],
) => Promise<{ task: TreeTask; scores: TreeScores & Cost }>;

/**
 * The log-probability of each choice after the prior. Only those that are not kept are scored,
 * and nothing is kept of a scoring that fails.
 */
export async function priorLogprobs(
  cache: PriorCache,
  { key, paths }: Pick<PriorTask, 'key' | 'paths'>,
  score: ScoreAll,
): Promise<{ logprobs: Float64Array; cost: Cost | undefined }> {
  const known = new Map<string, number>();
  const missing = new Map<string, Int32Array>();
  const names = paths.map(nameOf);
  for (const [index, name] of names.entries()) {
    const logprob = cache.get(key, name);
    if (logprob === undefined) missing.set(name, paths[index] as Int32Array);
    else known.set(name, logprob);
  }
  let cost: Cost | undefined;
  if (missing.size > 0) {
    const wanted = [...missing.values()];
    const { task, scores } = await score(wanted);
    const { tree, request } = task;
    const ones = wanted.map(() => 1);
    const zeros = wanted.map(() => 0);
    const { entries, ...contest } = findDistinct(tree.ends, ones, zeros);
    const { standings } = boundsOf(tree, scores, request.endAt, contest);
    for (const [index, name] of [...missing.keys()].entries()) {
      const { logprob, open } = standings[entries[index] as number] as Standing;
      if (open) {
        throw new NotSupportedError(
          `A prior needs exact log-probabilities, and this LM gives only a bound of some`,
        );
      }
      known.set(name, logprob);
      cache.set(key, name, logprob);
    }
    cost = scores;
  }
  return { logprobs: Float64Array.from(names, (name) => known.get(name) as number), cost };
}
