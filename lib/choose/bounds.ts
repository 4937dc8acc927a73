// What is known of choices whose tree is scored in part: bounds of scores and of
// probabilities. Log-probabilities only fall along a path and every length is known, so what
// is known of a path bounds the score of all that it leads to; so does a limit, where an engine
// tells one of what it does not tell. Pure arithmetic; the portable search stops by it, native
// code by the same formulas, and every result is made by it.

import type { TokenChoiceTree } from '../tree/token-choice-tree.js';
import type { SearchRequest, TreeRequest, TreeScores } from '../tree/tree-scoring.js';
import type { DistinctChoices } from './distinct-choices.js';
import { isLess, plus, type ScaledSum, share, sumOf } from './scaled-sum.js';

/** One distinct choice, as far as it is known. */
export interface Standing {
  /** Sum of the log-probabilities, or limits, that are known: an upper bound where it is open. */
  logprob: number;
  /** logprob / length − offset: an upper bound where it is open. */
  score: number;
  /** Whether a part of its path, or its end, is not known. */
  open: boolean;
  /** The deepest node of its path that is known. */
  frontier: number;
}

/** A contest, as far as it is known. */
export interface Bounds {
  /** One per entry of the contest. */
  standings: Standing[];
  /** E = Σ exp(score) of what is complete. */
  complete: ScaledSum;
  /** F: an upper bound of Σ exp(score) of what is open. */
  open: ScaledSum;
  /** An upper bound of Σ exp(logprob) over the distinct paths that are open. */
  openMass: number;
}

type Scores = Pick<TreeScores, 'logprobs' | 'ends' | 'limits'>;
type Entries = Pick<DistinctChoices, 'nodes' | 'lengths' | 'offsets'>;

/** The score of a log-probability. What is impossible stays so, whatever its prior. */
export const scoreOf = (logprob: number, length: number, offset: number): number =>
  logprob === -Infinity ? -Infinity : logprob / length - offset;

/**
 * Per node: the deepest known node above or at it (its frontier); the first limited node on the
 * way there from the frontier, the frontier itself where there is none (its gate); and the sum of
 * log-probabilities and limits to there, the most that the node's path can have.
 */
function knownParts(tree: TokenChoiceTree, { logprobs, limits }: Scores) {
  const frontiers = new Int32Array(tree.tokens.length);
  const gates = new Int32Array(tree.tokens.length);
  const sums = new Float64Array(tree.tokens.length);
  for (let node = 1; node < frontiers.length; node++) {
    const parent = tree.parents[node] as number;
    const logprob = logprobs[node] as number;
    const known = frontiers[parent] === parent && !Number.isNaN(logprob);
    const limit = known ? Number.NaN : (limits?.logprobs[node] ?? Number.NaN);
    const limited = !Number.isNaN(limit);
    frontiers[node] = known ? node : (frontiers[parent] as number);
    const isGate = known || (limited && frontiers[parent] === parent);
    gates[node] = isGate ? node : (gates[parent] as number);
    sums[node] = (sums[parent] as number) + (known ? logprob : limited ? limit : 0);
  }
  return { frontiers, gates, sums };
}

/**
 * Per node: the largest number of these nodes on any one way from it down. Whatever comes next
 * takes one way, so no more of them than that can be true at once.
 */
function nestings(tree: TokenChoiceTree, nodes: Iterable<number>): Int32Array {
  const nesting = new Int32Array(tree.tokens.length);
  const marked = new Uint8Array(nesting.length);
  for (const node of nodes) marked[node] = 1;
  for (let node = nesting.length - 1; node >= 0; node--) {
    nesting[node] = (nesting[node] as number) + (marked[node] as number);
    const parent = tree.parents[node] as number;
    if (parent >= 0) nesting[parent] = Math.max(nesting[parent] as number, nesting[node] as number);
  }
  return nesting;
}

/** Σ exp(tops[i]) · times[i] is the most that all open choices together can have. */
interface OpenParts {
  tops: number[];
  times: number[];
}

/** What the open choices can have, each way that is not known counted once. */
function openParts(
  open: readonly number[],
  { frontiers, gates, sums }: ReturnType<typeof knownParts>,
  nesting: Int32Array,
  limits: TreeScores['limits'],
): OpenParts {
  const parts: OpenParts = { tops: [], times: [] };
  const add = (top: number, times: number): void => {
    parts.tops.push(top);
    parts.times.push(times);
  };
  /** By frontier: the limited nodes below it. They exclude each other, and share its rest. */
  const limited = new Map<number, Set<number>>();
  const unlimited = new Set<number>();
  for (const node of new Set(open)) {
    const [frontier, gate] = [frontiers[node] as number, gates[node] as number];
    const end = limits?.ends[node] ?? Number.NaN;
    // An end excludes whatever else follows the node, and has a limit of its own.
    if (frontier === node && !Number.isNaN(end)) add((sums[node] as number) + end, 1);
    else if (gate === frontier) unlimited.add(gate);
    else limited.set(frontier, (limited.get(frontier) ?? new Set()).add(gate));
  }
  for (const node of unlimited) add(sums[node] as number, nesting[node] as number);
  for (const [frontier, nodes] of limited) {
    const tops = Array.from(nodes, (node) => sums[node] as number);
    const times = Array.from(nodes, (node) => nesting[node] as number);
    const rest = limits?.rests[frontier] ?? Number.NaN;
    const alone = sumOf(tops, times);
    const together = {
      top: Number.isNaN(rest) ? Infinity : (sums[frontier] as number) + rest,
      scale: times.reduce((most, value) => Math.max(most, value), 0),
    };
    const least = isLess(together, alone) ? together : alone;
    add(least.top, least.scale);
  }
  return parts;
}

/** How a contest stands, from the NaN where its tree was not looked at. */
export function boundsOf(
  tree: TokenChoiceTree,
  scores: Scores,
  endAt: TreeRequest['endAt'],
  { nodes, lengths, offsets }: Entries,
): Bounds {
  const { limits } = scores;
  const parts = knownParts(tree, scores);
  const { frontiers, sums } = parts;
  const standings = Array.from(nodes, (node, entry): Standing => {
    const frontier = frontiers[node] as number;
    const end = endAt[node] ? (scores.ends[node] as number) : 0;
    const open = frontier !== node || Number.isNaN(end);
    // Nothing is known of an end without a limit: at most it is certain.
    const limit = (endAt[node] && limits?.ends[node]) || 0;
    const logprob = (sums[node] as number) + (open ? limit : end);
    const score = scoreOf(logprob, lengths[entry] as number, offsets[entry] as number);
    return { logprob, score, open, frontier };
  });
  const complete = standings.filter(({ open }) => !open).map(({ score }) => score);

  const openNodes = [...nodes].filter((_, entry) => standings[entry]?.open);
  const nesting = openNodes.length > 0 ? nestings(tree, openNodes) : new Int32Array(0);
  const openStandings = standings.filter(({ open }) => open);
  const { tops, times } = openParts(openNodes, parts, nesting, limits);
  // Only the probabilities themselves, neither normalised nor weighed by a prior, exclude
  // each other; of anything else each choice is bounded alone.
  const plain = lengths.every((length) => length === 1) && offsets.every((offset) => offset === 0);
  return {
    standings,
    complete: sumOf(complete),
    open: plain ? sumOf(tops, times) : sumOf(openStandings.map(({ score }) => score)),
    openMass: tops.reduce((sum, top, at) => sum + Math.exp(top) * (times[at] as number), 0),
  };
}

/** The least and the most that the probability of a choice can be. */
export function intervalOf({ score, open }: Standing, bounds: Bounds): [number, number] {
  const { complete } = bounds;
  if (open) return [0, share(score, plus(complete, { top: score, scale: 1 }))];
  return [share(score, plus(complete, bounds.open)), share(score, complete)];
}

const width = (standing: Standing | undefined, bounds: Bounds): number => {
  if (standing === undefined) return 0;
  const [low, high] = intervalOf(standing, bounds);
  return high - low;
};

const best = (standings: readonly Standing[]): Standing | undefined =>
  standings.reduce<Standing | undefined>(
    (most, one) => (most === undefined || one.score > most.score ? one : most),
    undefined,
  );

/** The score of the `top`-th best complete choice, copies counted; NaN where there are fewer. */
function scoreAt(standings: readonly Standing[], copies: Int32Array, top: number): number {
  const order = [...standings.keys()].filter((entry) => !standings[entry]?.open);
  const score = (entry: number): number => (standings[entry] as Standing).score;
  order.sort((a, b) => score(b) - score(a));
  let count = 0;
  for (const entry of order) {
    count += copies[entry] as number;
    if (count >= top) return score(entry);
  }
  return Number.NaN;
}

/**
 * Whether a search has found what was asked for. Of a finite `top`: the k-th best complete
 * score is above every open bound, equal bounds not being enough, so that ties are what they
 * are without a search; and with a tolerance none of these k has a wider interval. Of all:
 * no choice has.
 */
export function isSettled(
  bounds: Bounds,
  { top, tolerance, copies }: Pick<SearchRequest, 'top' | 'tolerance' | 'copies'>,
): boolean {
  const { standings } = bounds;
  const open = best(standings.filter((standing) => standing.open));
  if (open === undefined) return true;
  if (top !== Infinity && !(scoreAt(standings, copies, top) > open.score)) return false;
  if (tolerance === 0) return top !== Infinity;
  // The interval of the likeliest is the widest.
  const complete = best(standings.filter((standing) => !standing.open));
  if (width(complete, bounds) > tolerance) return false;
  return top !== Infinity || width(open, bounds) <= tolerance;
}
