// The greedy walk through a set of choices, from full distributions: the reference for choosing by
// bias.

import type { ChoiceLM } from 'autocog-lm';
import { at } from '../suite/oracle.js';

/**
 * The index of the choice at the end of the walk; undefined if two tokens are too close to call.
 *
 * @param terminator `'none'`, `'eog'`, or a text that follows each choice
 */
export async function walkGreedily(
  lm: ChoiceLM,
  prompt: string,
  texts: readonly string[],
  terminator: string,
  bound: number,
): Promise<number | undefined> {
  const follows = terminator !== 'none' && terminator !== 'eog';
  const suffix = follows ? [...(await lm.tokenize(terminator))] : [];
  const paths = await Promise.all(
    texts.map(async (text) => [...(await lm.tokenize(text)), ...suffix]),
  );
  const start = await lm.tokenize(prompt, { addSpecial: true });
  let remaining = [...paths.keys()];
  for (let depth = 0; ; depth++) {
    const ended = remaining.find((index) => paths[index]?.length === depth);
    const next = new Set(remaining.flatMap((index) => paths[index]?.slice(depth, depth + 1) ?? []));
    if (next.size === 0) return ended;
    const path = (paths[remaining[0] as number] as number[]).slice(0, depth);
    const ends = ended !== undefined && terminator === 'eog' ? [...lm.endOfGeneration] : [];
    let token = [...next][0] as number;
    if (next.size > 1 || ended !== undefined) {
      const row = await lm.greedy(Int32Array.from([...start, ...path]));
      // If nothing needs to follow, any token may.
      const free = ended !== undefined && terminator !== 'eog';
      const allowed = free ? [...row.keys()] : [...next, ...ends];
      allowed.sort((a, b) => at(row, b) - at(row, a));
      token = at(allowed, 0);
      // Of two impossible tokens, neither is more likely.
      const isNear = allowed.length > 1 && !(at(row, token) - at(row, at(allowed, 1)) > bound);
      if (isNear) return undefined;
      if (!next.has(token)) return ended;
    }
    remaining = remaining.filter((index) => paths[index]?.[depth] === token);
  }
}
