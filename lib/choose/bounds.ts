// Bounds on scores and probabilities of choices whose tree is only partly scored. Cumulative
// log-probabilities never increase along a path and every length is known in advance, so the
// known part of a path bounds the score of everything below it; limits that an engine reports
// for unknown values tighten the bound. Pure arithmetic: the portable search terminates by it,
// native code uses the same formulas, and every result is computed from it.

import type { TokenChoiceTree } from '../tree/token-choice-tree.js';
import type { SearchRequest, TreeRequest, TreeScores } from '../tree/tree-scoring.js';
import type { DistinctChoices } from './distinct-choices.js';
import { isLess, plus, type ScaledSum, share, sumOf } from './scaled-sum.js';

/** What is known about one distinct choice. An open one has unknown parts. */
export interface Standing {
  /** Sum of the known log-probabilities and limits; an upper bound if open. */
  logprob: number;
  /** logprob / length − offset; an upper bound if open. */
  score: number;
  /** Whether a part of its path, or its end, is unknown. */
  open: boolean;
  /** The deepest known node on its path. */
  frontier: number;
}

/** What is known about a set of distinct choices. */
export interface Bounds {
  /** One per entry of the distinct choices. */
  standings: Standing[];
  /** E = Σ exp(score) over complete choices. */
  complete: ScaledSum;
  /** F: an upper bound of Σ exp(score) over open choices. */
  open: ScaledSum;
  /** An upper bound of Σ exp(logprob) over distinct open paths. */
  openMass: number;
}

type Scores = Pick<TreeScores, 'logprobs' | 'ends' | 'limits'>;
type Entries = Pick<DistinctChoices, 'nodes' | 'lengths' | 'offsets'>;

/** The score of a log-probability. An impossible choice stays at −Infinity whatever its prior. */
export const scoreOf = (logprob: number, length: number, offset: number): number =>
  logprob === -Infinity ? -Infinity : logprob / length - offset;

/**
 * Per node:
 * - its frontier, the deepest known node on the path from the root to it (possibly itself);
 * - its gate, the child of the frontier on that path if it has a limit, else the frontier;
 * - the sum of log-probabilities and limits along the path, an upper bound of its logprob.
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
 * Per node: the maximum number of the given nodes on any single downward path from it. A
 * continuation follows one path, so at most that many of them can hold at once.
 */
function maxNesting(tree: TokenChoiceTree, nodes: Iterable<number>): Int32Array {
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

/** Σ exp(logprobs[i]) · counts[i] bounds the total mass of all open choices. */
interface OpenParts {
  logprobs: number[];
  counts: number[];
}

/** The mass that open choices can have, counting each unknown subtree once. */
function openParts(
  open: readonly number[],
  { frontiers, gates, sums }: ReturnType<typeof knownParts>,
  nesting: Int32Array,
  limits: TreeScores['limits'],
): OpenParts {
  const parts: OpenParts = { logprobs: [], counts: [] };
  const add = (logprob: number, count: number): void => {
    parts.logprobs.push(logprob);
    parts.counts.push(count);
  };
  /** By frontier: its limited children. They are mutually exclusive and share its `rests` limit. */
  const limited = new Map<number, Set<number>>();
  const unlimited = new Set<number>();
  for (const node of new Set(open)) {
    const [frontier, gate] = [frontiers[node] as number, gates[node] as number];
    const end = limits?.ends[node] ?? Number.NaN;
    // An end excludes every other continuation of the node, and has its own limit.
    if (frontier === node && !Number.isNaN(end)) add((sums[node] as number) + end, 1);
    else if (gate === frontier) unlimited.add(gate);
    else limited.set(frontier, (limited.get(frontier) ?? new Set()).add(gate));
  }
  for (const node of unlimited) add(sums[node] as number, nesting[node] as number);
  for (const [frontier, nodes] of limited) {
    const logprobs = Array.from(nodes, (node) => sums[node] as number);
    const counts = Array.from(nodes, (node) => nesting[node] as number);
    const rest = limits?.rests[frontier] ?? Number.NaN;
    const individual = sumOf(logprobs, counts);
    const shared = {
      max: Number.isNaN(rest) ? Infinity : (sums[frontier] as number) + rest,
      scale: counts.reduce((max, count) => Math.max(max, count), 0),
    };
    const tighter = isLess(shared, individual) ? shared : individual;
    add(tighter.max, tighter.scale);
  }
  return parts;
}

/** The bounds of distinct choices whose tree is scored where `scores` is not NaN. */
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
    // Without a limit, the bound of an unknown end is probability 1.
    const limit = (endAt[node] && limits?.ends[node]) || 0;
    const logprob = (sums[node] as number) + (open ? limit : end);
    const score = scoreOf(logprob, lengths[entry] as number, offsets[entry] as number);
    return { logprob, score, open, frontier };
  });
  const complete = standings.filter(({ open }) => !open).map(({ score }) => score);

  const openNodes = [...nodes].filter((_, entry) => standings[entry]?.open);
  const nesting = openNodes.length > 0 ? maxNesting(tree, openNodes) : new Int32Array(0);
  const openStandings = standings.filter(({ open }) => open);
  const { logprobs, counts } = openParts(openNodes, parts, nesting, limits);
  // Mutual exclusion tightens the sum only for plain probabilities. With normalization or a
  // prior, each open choice is bounded individually.
  const plain = lengths.every((length) => length === 1) && offsets.every((offset) => offset === 0);
  return {
    standings,
    complete: sumOf(complete),
    open: plain ? sumOf(logprobs, counts) : sumOf(openStandings.map(({ score }) => score)),
    openMass: logprobs.reduce(
      (sum, value, at) => sum + Math.exp(value) * (counts[at] as number),
      0,
    ),
  };
}

/** Lower and upper bound of a choice's probability. */
export function intervalOf({ score, open }: Standing, bounds: Bounds): [number, number] {
  const { complete } = bounds;
  if (open) return [0, share(score, plus(complete, { max: score, scale: 1 }))];
  return [share(score, plus(complete, bounds.open)), share(score, complete)];
}

const width = (standing: Standing | undefined, bounds: Bounds): number => {
  if (standing === undefined) return 0;
  const [low, high] = intervalOf(standing, bounds);
  return high - low;
};

const bestOf = (standings: readonly Standing[]): Standing | undefined =>
  standings.reduce<Standing | undefined>(
    (best, each) => (best === undefined || each.score > best.score ? each : best),
    undefined,
  );

/** The score of the `top`-th best complete choice, copies counted; NaN if there are fewer. */
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
 * Whether a search has met its goal. With a finite `top` of k: the k-th best complete score is
 * strictly above every open bound (strictly, so that ties resolve as in an exhaustive run), and
 * with a tolerance the interval of each of these k is no wider. With `top` Infinity: no choice
 * has an interval wider than the tolerance.
 */
export function isSettled(
  bounds: Bounds,
  { top, tolerance, copies }: Pick<SearchRequest, 'top' | 'tolerance' | 'copies'>,
): boolean {
  const { standings } = bounds;
  const open = bestOf(standings.filter((standing) => standing.open));
  if (open === undefined) return true;
  if (top !== Infinity && !(scoreAt(standings, copies, top) > open.score)) return false;
  if (tolerance === 0) return top !== Infinity;
  // The most likely choice has the widest interval.
  const complete = bestOf(standings.filter((standing) => !standing.open));
  if (width(complete, bounds) > tolerance) return false;
  return top !== Infinity || width(open, bounds) <= tolerance;
}
