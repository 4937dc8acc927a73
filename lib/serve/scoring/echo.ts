// Scores echoed prompts, by the cheapest method that provides what the request needs.

import { NotSupportedError } from '../../common/errors.js';
import type { ServedPrompt } from '../routes/prompts.js';
import type { Served } from '../served.js';
import { scoreByRows } from './row-scores.js';
import type { EngineUsage, ScoredPrompt, ScoreRequest } from './token-position.js';
import { scoreByTree } from './tree-scores.js';

/** Scores all prompts of a request together. Results omit the prompts' hidden tokens. */
export async function scorePrompts(
  { lm, scoreCache }: Served,
  prompts: readonly ServedPrompt[],
  request: ScoreRequest,
  total: EngineUsage,
): Promise<ScoredPrompt[]> {
  if (lm.encoderDecoder) {
    throw new NotSupportedError(
      'An encoder-decoder has no log-probabilities of the prompt, which its encoder reads as a whole',
    );
  }
  const lists = prompts.map(({ tokens }) => tokens);
  const scored = await (request.alternatives > 1
    ? scoreByRows(lm, lists, request, total)
    : scoreByTree(scoreCache, lists, request, total));
  return scored.map(({ positions, next }, index) => ({
    positions: positions.slice((prompts[index] as ServedPrompt).hidden),
    next,
  }));
}
