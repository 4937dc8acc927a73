// What a request makes of token paths: the task of scoring their tree, and whether it can be
// done and a part of it be left. `lib/choose/choose.ts` and ChoiceLM's `score` use it.

import { ContextOverflowError, NotSupportedError } from '../common/errors.js';
import { TokenChoiceTree } from '../tree/token-choice-tree.js';
import type { TreeTask } from '../tree/tree-scoring.js';
import type { PromptName } from './boundary.js';
import type { ChooseRequest } from './choose-options.js';

/** What there is to be said of a task besides its tokens. */
export type TaskRequest = Pick<ChooseRequest, 'terminator' | 'sequential' | 'details' | 'signal'>;

/** The task of scoring all of these paths. Throws where there is no token to end them with. */
export function taskOf(
  { endOfGeneration }: { endOfGeneration: Int32Array },
  prompt: Int32Array,
  paths: readonly Int32Array[],
  { terminator, sequential, details, signal }: TaskRequest,
): TreeTask {
  const tree = new TokenChoiceTree(paths);
  const endAt = new Uint8Array(tree.tokens.length);
  const ended = terminator.kind === 'eog';
  const endTokens = ended ? endOfGeneration : new Int32Array(0);
  if (ended && endTokens.length === 0) {
    throw new NotSupportedError("Terminator 'eog' needs an end-of-generation token");
  }
  if (ended) for (const node of tree.ends) endAt[node] = 1;
  const request = { endAt, endTokens, sequential, details, search: undefined, signal };
  return { prompt, tree, request };
}

/** Throws a ContextOverflowError where a prompt and the deepest choice do not fit together. */
export function checkFits(
  { contextSize }: { contextSize: number | undefined },
  prompt: Int32Array,
  paths: readonly Int32Array[],
  { terminator }: Pick<ChooseRequest, 'terminator'>,
  name: PromptName = 'prompt',
): void {
  const deepest = paths.reduce((most, path) => Math.max(most, path.length), 0);
  // Nothing is decoded after the last token of the deepest choice, unless its end is scored.
  const decoded = terminator.kind === 'eog' ? deepest : Math.max(0, deepest - 1);
  if (contextSize === undefined || prompt.length + decoded <= contextSize) return;
  throw new ContextOverflowError(
    `The ${name} of ${prompt.length} tokens and the deepest choice of ${deepest} ` +
      `do not fit in the context of ${contextSize}`,
  );
}

/**
 * Whether parts of a task's tree may be left open.
 *
 * @param holdsInOneBatch whether nothing would be saved by it; only asked where that matters
 */
export function isSearched(
  { search, top, tolerance, sequential }: ChooseRequest,
  choices: number,
  holdsInOneBatch: () => boolean,
): boolean {
  if (search === 'exhaustive' || (top >= choices && tolerance === 0)) return false;
  return search === 'bound' || !(sequential || holdsInOneBatch());
}
