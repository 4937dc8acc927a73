// Prompts scored off rows of logits, for requests that want several of the likeliest tokens in
// each place. Rows come a few at a time, so that no more than some megabytes are held at once.

import { logSumExp } from '../../common/log-softmax.js';
import { commonPrefix } from '../../common/token-arrays.js';
import { bestIndices } from '../../generation/candidates.js';
import type { LLaMa } from '../../llama.js';
import {
  type Likely,
  type Place,
  type ScoredPrompt,
  type ScoreRequest,
  type Spent,
  spend,
} from './token-position.js';

/** Numbers of all rows that are held at once: 16 MiB. */
const mostNumbers = 2 ** 22;

/** The prompts' tokens, with as many of the likeliest as are asked for. */
export async function scoreByRows(
  lm: LLaMa,
  prompts: readonly Int32Array[],
  request: ScoreRequest,
  spent: Spent,
): Promise<ScoredPrompt[]> {
  const results: ScoredPrompt[] = [];
  // In this order prompts that begin alike follow one another.
  const order = [...prompts.keys()].sort((a, b) => compare(prompts[a], prompts[b]));
  let before: { tokens: Int32Array; scored: ScoredPrompt } | undefined;
  for (const index of order) {
    const tokens = prompts[index] as Int32Array;
    const shared = before === undefined ? 0 : commonPrefix(before.tokens, tokens);
    const known = before?.scored.places.slice(0, shared) ?? [];
    const scored = await scoreFrom(lm, tokens, known, request, spent);
    results[index] = scored;
    before = { tokens, scored };
  }
  return results;
}

/** The likeliest token after a text, among `ends`: what ended it, with the likeliest of all. */
export async function endAfter(
  lm: LLaMa,
  tokens: Int32Array,
  ends: Int32Array,
  { alternatives, signal }: Omit<ScoreRequest, 'next'>,
): Promise<Place> {
  const { logits } = await lm.eval(tokens, { signal });
  const values = Array.from(ends, (token) => ({ token, logit: logits[token] as number }));
  const { token } = values.reduce((best, other) => (other.logit > best.logit ? other : best));
  return placeIn(logits, token, alternatives);
}

async function scoreFrom(
  lm: LLaMa,
  tokens: Int32Array,
  known: readonly (Place | undefined)[],
  { alternatives, next, signal }: ScoreRequest,
  spent: Spent,
): Promise<ScoredPrompt> {
  const { vocabularySize: width } = lm;
  const places = known.length === 0 ? [undefined] : [...known];
  let after: Place | undefined;
  // The row after a token tells of the next one.
  const end = next ? tokens.length : tokens.length - 1;
  const rows = Math.max(1, Math.floor(mostNumbers / width));
  for (let row = places.length - 1; row < end; ) {
    const until = Math.min(end, row + rows);
    const positions = Array.from({ length: until - row }, (_, index) => row + index);
    const found = await lm.eval(tokens.slice(0, until), { logits: positions, signal });
    spend(spent, found.usage);
    for (let index = 0; index < positions.length; index++, row++) {
      const logits = found.logits.subarray(index * width, (index + 1) * width);
      const place = placeIn(logits, tokens[row + 1], alternatives);
      if (row + 1 < tokens.length) places.push(place);
      else after = place;
    }
  }
  return { places, next: after };
}

/** What a row says of a token; of the likeliest where none is named. */
function placeIn(logits: Float32Array, token: number | undefined, alternatives: number): Place {
  const total = logSumExp(logits);
  const logprob = (id: number): number => Math.min(0, (logits[id] as number) - total);
  const best = bestIndices(logits, Math.max(1, alternatives));
  const top = Array.from(best, (id): Likely => ({ token: id, logprob: logprob(id) }));
  const own = token ?? (best[0] as number);
  return { token: own, logprob: logprob(own), top: top.slice(0, alternatives) };
}

function compare(a: Int32Array = new Int32Array(0), b: Int32Array = new Int32Array(0)): number {
  const shared = commonPrefix(a, b);
  return (a[shared] ?? -1) - (b[shared] ?? -1);
}
