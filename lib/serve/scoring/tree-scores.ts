// Scores prompts as one token tree: shared prefixes are decoded once, and no logits cross into
// JavaScript. Reports at most the single most likely token per position.

import type { ScoredChoice } from '../../choose/choice.js';
import { commonPrefix } from '../../common/token-arrays.js';
import type { TokenChoiceNode } from '../../tree/token-choice-node.js';
import type { TokenChoiceTree } from '../../tree/token-choice-tree.js';
import type { PromptScoreCache, PromptScores } from './prompt-score-cache.js';
import {
  addUsage,
  type EngineUsage,
  type ScoredPrompt,
  type ScoreRequest,
  type TokenLogprob,
  type TokenPosition,
} from './token-position.js';

/** Appended to a prompt so that its next-token distribution is evaluated. Any token id works. */
const placeholderToken = 0;

/** A prompt that is being scored. */
interface PendingPrompt {
  tokens: Int32Array;
  scores: PromptScores;
  /** Number of leading tokens that are already scored; at least 1. */
  depth: number;
  next: TokenLogprob | undefined;
}

/** Limit on the tokens of the prompts that are scored in one pass. */
const maxTokensPerPass = 2 ** 16;

/** Scores prompts; for `alternatives` of 0 or 1. */
export async function scoreByTree(
  cache: PromptScoreCache,
  prompts: readonly Int32Array[],
  request: ScoreRequest,
  total: EngineUsage,
): Promise<ScoredPrompt[]> {
  const scored: ScoredPrompt[] = [];
  for (let start = 0; start < prompts.length; ) {
    let end = start;
    let tokens = 0;
    do tokens += (prompts[end++] as Int32Array).length;
    while (tokens < maxTokensPerPass && end < prompts.length);
    scored.push(...(await scoreTogether(cache, prompts.slice(start, end), request, total)));
    start = end;
  }
  return scored;
}

async function scoreTogether(
  cache: PromptScoreCache,
  prompts: readonly Int32Array[],
  request: ScoreRequest,
  total: EngineUsage,
): Promise<ScoredPrompt[]> {
  const { revision } = cache;
  const pending = prompts.map((tokens) => startFromCache(cache, tokens));
  const open = pending.filter(({ tokens, depth }) => request.next || depth < tokens.length);
  // The paths of a tree need a common prompt of at least one token.
  const groups = new Map<number, PendingPrompt[]>();
  for (const prompt of open) {
    const first = prompt.tokens[0] as number;
    groups.set(first, [...(groups.get(first) ?? []), prompt]);
  }
  for (const group of groups.values()) await scoreGroup(cache, group, request, total);
  for (const { scores } of open) cache.add(scores, revision);
  return pending.map(({ scores, next }) => ({
    positions: positionsOf(scores, request.alternatives),
    next: next && { ...next, top: [next].slice(0, request.alternatives) },
  }));
}

function startFromCache(cache: PromptScoreCache, tokens: Int32Array): PendingPrompt {
  const scores: PromptScores = {
    tokens,
    logprobs: new Float64Array(tokens.length),
    bestTokens: new Int32Array(tokens.length),
    bestLogprobs: new Float64Array(tokens.length),
  };
  const hit = cache.find(tokens);
  if (hit === undefined) return { tokens, scores, depth: 1, next: undefined };
  const { depth, scores: cached } = hit;
  scores.logprobs.set(cached.logprobs.subarray(0, depth));
  scores.bestTokens.set(cached.bestTokens.subarray(0, depth));
  scores.bestLogprobs.set(cached.bestLogprobs.subarray(0, depth));
  return { tokens, scores, depth, next: undefined };
}

async function scoreGroup(
  cache: PromptScoreCache,
  group: readonly PendingPrompt[],
  { next, signal }: ScoreRequest,
  total: EngineUsage,
): Promise<void> {
  const [first] = group as [PendingPrompt];
  // The tree's prompt: the common prefix of the group, as far as it is scored in all of them.
  const start = group.reduce(
    (shortest, { tokens, depth }) => Math.min(shortest, depth, commonPrefix(first.tokens, tokens)),
    first.tokens.length,
  );
  const paths = group.map(({ tokens }) => {
    const path = new Int32Array(tokens.length - start + (next ? 1 : 0)).fill(placeholderToken);
    path.set(tokens.subarray(start));
    return path;
  });
  const prompt = first.tokens.slice(0, start);
  const options = { details: true, search: 'exhaustive', signal } as const;
  const { choices, tree, usage } = await cache.lm.choose(prompt, paths, options);
  addUsage(total, usage);
  const nodes = tree.nodes();
  for (const [path, pending] of group.entries()) {
    storeScores(pending, start, choices[path] as ScoredChoice, nodesOf(tree, nodes, path));
  }
}

const nodesOf = (tree: TokenChoiceTree, nodes: TokenChoiceNode[], path: number) =>
  Array.from(tree.nodesOf(path), (node) => nodes[node] as TokenChoiceNode);

function storeScores(
  pending: PendingPrompt,
  start: number,
  choice: ScoredChoice,
  nodes: TokenChoiceNode[],
): void {
  const { tokens, scores } = pending;
  for (const [index, { best }] of nodes.entries()) {
    const { token, logprob } = best as TokenLogprob;
    const position = start + index;
    if (position === tokens.length) {
      pending.next = { token, logprob };
      continue;
    }
    // A prompt scored deeper than the group's common prefix keeps its cached values.
    if (position < pending.depth) continue;
    scores.logprobs[position] = choice.logprobs[index] as number;
    scores.bestTokens[position] = token;
    // Clients compare the two for equality, so the same token must have the very same number.
    scores.bestLogprobs[position] =
      token === tokens[position] ? (scores.logprobs[position] as number) : logprob;
  }
}

function positionsOf(scores: PromptScores, alternatives: number): (TokenPosition | undefined)[] {
  const { tokens, logprobs, bestTokens, bestLogprobs } = scores;
  return Array.from(tokens, (token, index) => {
    if (index === 0) return undefined;
    const best = {
      token: bestTokens[index] as number,
      logprob: bestLogprobs[index] as number,
    };
    return { token, logprob: logprobs[index] as number, top: [best].slice(0, alternatives) };
  });
}
