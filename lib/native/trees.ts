// Tree scoring by the native engine: implements ChoiceLM's hooks for LLaMa.

import { commonPrefix } from '../common/token-arrays.js';
import type { Cost } from '../common/usage.js';
import { Forest, sharedPrefix } from '../tree/forest.js';
import type { TokenChoiceTree } from '../tree/token-choice-tree.js';
import type { TreeRequest, TreeScores, TreeTask } from '../tree/tree-scoring.js';
import type { NativeSessionInfo, NativeTreeScores } from './binding.js';
import type { Runner } from './runner.js';
import { costFromNative } from './usage.js';

/** Scores one tree after its prompt, in one native job. */
export async function scoreNatively(
  session: Runner,
  prompt: Int32Array,
  tree: TokenChoiceTree,
  request: TreeRequest,
): Promise<TreeScores & Cost> {
  const { tokens, parents } = tree;
  const { endAt, endTokens, sequential, details, search, signal } = request;
  const result = await session.run((native, cancellation) => {
    const nodes = [prompt, tokens, parents, endAt, endTokens] as const;
    if (search === undefined) {
      return native.scoreTree(...nodes, sequential, details, cancellation);
    }
    const { nodes: ends, lengths, offsets, copies, tolerance } = search;
    const top = Number.isFinite(search.top) ? search.top : 0;
    const choices = [ends, lengths, offsets, copies] as const;
    return native.searchTree(...nodes, details, ...choices, top, tolerance, cancellation);
  }, signal);
  return scoresFromNative(result, details);
}

/**
 * Scores several trees after their prompts, merged into one tree, in one native job. An
 * encoder-decoder's are scored one by one: a context holds the encoding of one prompt at a time.
 */
export async function scoreTogether(
  session: Runner & { readonly encoderDecoder: boolean },
  tasks: readonly TreeTask[],
  signal: AbortSignal | undefined,
): Promise<(TreeScores & Cost)[]> {
  if (session.encoderDecoder) {
    const results: (TreeScores & Cost)[] = [];
    for (const { prompt, tree, request } of tasks) {
      results.push(await scoreNatively(session, prompt, tree, request));
    }
    return results;
  }
  const forest = new Forest(tasks);
  const { prompt, tokens, parents, flags, endTokens } = forest;
  const result = await session.run((native, cancellation) => {
    const [sequential, details] = [false, false];
    const nodes = [prompt, tokens, parents, flags, endTokens] as const;
    return native.scoreTree(...nodes, sequential, details, cancellation);
  }, signal);
  return forest.deal(scoresFromNative(result, false));
}

/** How many nodes of a tree are decoded. */
function decodedNodes(tree: TokenChoiceTree, { endTokens }: TreeRequest): number {
  return endTokens.length > 0 ? tree.size : tree.size - tree.childless;
}

/** Whether the tree's inner nodes fit in one decode, both their tokens and their logits rows. */
export function holdsTree(
  { batchSize, maxRows }: NativeSessionInfo,
  tree: TokenChoiceTree,
  request: TreeRequest,
): boolean {
  return decodedNodes(tree, request) <= Math.min(batchSize, maxRows);
}

/** Whether the prompts and trees of these tasks fit in one decode. */
export function holdsTasks(
  { limits, encoderDecoder }: { limits: NativeSessionInfo; encoderDecoder: boolean },
  tasks: readonly TreeTask[],
): boolean {
  if (tasks.length <= 1) return true;
  // A context holds the encoding of one prompt at a time.
  if (encoderDecoder) return false;
  if (tasks.some(({ request }) => request.details)) return false;
  let tokens = -sharedPrefix(tasks);
  let rows = 0;
  let paths = 0;
  let previous: Int32Array = new Int32Array(0);
  for (const { prompt, tree, request } of tasks) {
    const inner = decodedNodes(tree, request);
    tokens += prompt.length - commonPrefix(previous, prompt) + inner;
    rows += inner + 1;
    // A tree needs a sequence per leaf, but no more than it has decoded nodes.
    paths += Math.max(1, Math.min(tree.childless, inner));
    previous = prompt;
  }
  const { batchSize, maxRows, maxSequences, promptSlots } = limits;
  const branches = maxSequences - promptSlots - 2;
  return tokens <= batchSize && rows <= maxRows && paths <= branches;
}

function scoresFromNative(result: NativeTreeScores, detailed: boolean): TreeScores & Cost {
  const { logprobs, ends, entropies, bestTokens, bestLogprobs, ranks, usage } = result;
  const details = detailed ? { details: { entropies, bestTokens, bestLogprobs, ranks } } : {};
  return { logprobs, ends, ...details, ...costFromNative(usage) };
}
