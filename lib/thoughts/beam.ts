// The beams of a completion, and how they are ranked and picked. Pure; the search in TypeScript uses
// it, and native/engine/automaton/beam.h implements the same.

import type { PlannedCompletion } from './plan.js';
import { divisorOf } from './thought.js';
import type { ThoughtStop } from './thought-node.js';

/** A partial text, after the one that a healed boundary repeats. */
export interface Beam {
  /** All generated tokens, with those of a stop text but without an end token. */
  tokens: readonly number[];
  logprobs: readonly number[];
  /** Of these and the end token. */
  logprob: number;
  /** What is missing of the text that the beam has to begin with. */
  pending: string;
  /** The text without a stop. */
  text: string;
  /** How often three tokens in a row occurred before. */
  repeats: number;
  /** Set once the text has ended. */
  stop:
    | { reason: ThoughtStop['reason']; text?: string; token?: number; logprob?: number }
    | undefined;
  /** Log-probability and number of tokens of its greedy continuation, for ranking. */
  ahead: { logprob: number; tokens: number; text: string };
}

/** The number of tokens that count in a beam's length. */
export const lengthOf = ({ tokens, stop }: Beam): number =>
  tokens.length + (stop?.token === undefined ? 0 : 1);

/** A beam's score, without bonus and penalty. */
export function beamScore(beam: Beam, { normalize }: Pick<PlannedCompletion, 'normalize'>): number {
  return beam.logprob / divisorOf(normalize, lengthOf(beam), beam.text);
}

/** Whether the last three tokens occurred before. */
export function repeats(tokens: readonly number[]): boolean {
  const last = tokens.length - 1;
  if (last < 3) return false;
  for (let end = last - 1; end >= 2; end--) {
    const isSame = [0, 1, 2].every((back) => tokens[end - back] === tokens[last - back]);
    if (isSame) return true;
  }
  return false;
}

/**
 * The beams in the order in which they are picked, `count` at most. Of ended beams with the same text
 * only the first counts.
 */
export function pick(
  beams: readonly Beam[],
  count: number,
  action: Pick<PlannedCompletion, 'normalize' | 'repetition' | 'diversity'>,
): Beam[] {
  const keys = beams.map((beam) => rankOf(beam, action));
  const texts = new EndedTexts();
  const picked: Beam[] = [];
  if (action.diversity === 0) {
    const order = [...beams.keys()].sort((a, b) =>
      descending(keys[a] as number, keys[b] as number),
    );
    for (const index of order) {
      if (picked.length === count) break;
      const beam = beams[index] as Beam;
      if (texts.add(beam)) picked.push(beam);
    }
    return picked;
  }
  const sets = beams.map(({ tokens }) => new Set(tokens));
  const distances = beams.map(() => 0);
  const left = new Set(beams.keys());
  while (picked.length < count && left.size > 0) {
    let best = -1;
    let highest = -Infinity;
    for (const index of left) {
      const mean = picked.length === 0 ? 0 : (distances[index] as number) / picked.length;
      const penalty = (beams[index] as Beam).repeats * Math.log1p(action.repetition);
      const own = (keys[index] as number) + penalty;
      const key = logAdd(own, Math.log(action.diversity * mean)) - penalty;
      if (best < 0 || key > highest) [best, highest] = [index, key];
    }
    left.delete(best);
    if (!texts.add(beams[best] as Beam)) continue;
    picked.push(beams[best] as Beam);
    for (const index of left) {
      distances[index] = (distances[index] as number) + distance(sets[index], sets[best]);
    }
  }
  return picked;
}

/** The ended texts of picked beams. */
class EndedTexts {
  readonly #texts = new Set<string>();

  /** False for the text of a beam that was added before. */
  add({ stop, text }: Beam): boolean {
    // Different bytes of incomplete characters have the same text.
    if (stop === undefined || text.includes('\ufffd')) return true;
    if (this.#texts.has(text)) return false;
    this.#texts.add(text);
    return true;
  }
}

const descending = (a: number, b: number): number => (a === b ? 0 : a > b ? -1 : 1);

/** The logarithm of a beam's rank value without the bonus of diversity. */
function rankOf(
  beam: Beam,
  { normalize, repetition }: Pick<PlannedCompletion, 'normalize' | 'repetition'>,
): number {
  const { ahead, logprob, text } = beam;
  const length = divisorOf(normalize, lengthOf(beam) + ahead.tokens, text + ahead.text);
  return (logprob + ahead.logprob) / length - beam.repeats * Math.log1p(repetition);
}

function logAdd(a: number, b: number): number {
  const [low, high] = a < b ? [a, b] : [b, a];
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
}

/** The Jaccard distance of two sets; 0 for two empty ones. */
function distance(a: ReadonlySet<number> = new Set(), b: ReadonlySet<number> = new Set()): number {
  let shared = 0;
  for (const each of a) if (b.has(each)) shared++;
  const all = a.size + b.size - shared;
  return all === 0 ? 0 : 1 - shared / all;
}
