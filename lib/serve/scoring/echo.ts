// What the tokens of prompts are worth: the scoring of echoed prompts, in the cheapest way that
// tells what is asked for.

import type { ServedPrompt } from '../routes/prompts.js';
import type { Served } from '../served.js';
import { scoreByRows } from './row-scores.js';
import type { ScoredPrompt, ScoreRequest, Spent } from './token-position.js';
import { scoreByTree } from './tree-scores.js';

/** Scores prompts, all of one request together; without the tokens that are not to be told. */
export async function scorePrompts(
  { lm, memory }: Served,
  prompts: readonly ServedPrompt[],
  request: ScoreRequest,
  spent: Spent,
): Promise<ScoredPrompt[]> {
  const lists = prompts.map(({ tokens }) => tokens);
  const scored = await (request.alternatives > 1
    ? scoreByRows(lm, lists, request, spent)
    : scoreByTree(memory, lists, request, spent));
  return scored.map(({ places, next }, index) => ({
    places: places.slice((prompts[index] as ServedPrompt).hidden),
    next,
  }));
}
