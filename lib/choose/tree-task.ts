// Builds the task of scoring the tree of some token paths, and checks whether it fits in the
// context and whether a search applies. `lib/choose/choose.ts` and `lib/choose/score.ts` use it.

import { about } from '../common/arguments.js';
import { ContextOverflowError, NotSupportedError } from '../common/errors.js';
import { type Room, roomAfter } from '../common/room.js';
import { TokenChoiceTree } from '../tree/token-choice-tree.js';
import type { TreeTask } from '../tree/tree-scoring.js';
import type { PromptName } from './boundary.js';
import type { ChooseRequest } from './choose-options.js';

/** The options of a scoring task. */
export type TaskRequest = Pick<ChooseRequest, 'terminator' | 'sequential' | 'details' | 'signal'>;

/**
 * The task of scoring all of these paths. Throws NotSupportedError for terminator `'eog'` if the
 * LM has no end-of-generation token.
 */
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
    const message = "Terminator 'eog' requires an end-of-generation token";
    throw about('terminator', new NotSupportedError(message));
  }
  if (ended) for (const node of tree.ends) endAt[node] = 1;
  const request = { endAt, endTokens, sequential, details, search: undefined, signal };
  return { prompt, tree, request };
}

/** Throws ContextOverflowError if the prompt and the deepest choice do not fit in the context. */
export function checkFits(
  room: Room,
  prompt: Int32Array,
  paths: readonly Int32Array[],
  { terminator }: Pick<ChooseRequest, 'terminator'>,
  name: PromptName = 'prompt',
): void {
  const deepest = paths.reduce((max, path) => Math.max(max, path.length), 0);
  // The last token of the deepest choice is not decoded unless its end is scored.
  const decoded = terminator.kind === 'eog' ? deepest : Math.max(0, deepest - 1);
  if (decoded <= roomAfter(room, prompt.length)) return;
  const message =
    `The ${name} of ${prompt.length} tokens and the deepest choice of ${deepest} ` +
    `do not fit in the context of ${room.contextSize}`;
  throw about(name, new ContextOverflowError(message));
}

/**
 * Whether a search applies, which may leave parts of the tree unscored.
 *
 * @param holdsInOneBatch whether the whole tree fits in one batch, so that a search saves nothing;
 * called only if needed
 */
export function isSearched(
  { search, top, tolerance, sequential }: ChooseRequest,
  choices: number,
  holdsInOneBatch: () => boolean,
): boolean {
  if (search === 'exhaustive' || (top >= choices && tolerance === 0)) return false;
  return search === 'bound' || !(sequential || holdsInOneBatch());
}
