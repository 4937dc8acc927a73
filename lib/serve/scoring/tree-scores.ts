// Prompts scored as one tree: what they share at their beginning is decoded once, and no row of
// logits comes to JavaScript. It tells the likeliest token of each place, and no more of them.

import type { ScoredChoice } from '../../choose/choice.js';
import { commonPrefix } from '../../common/token-arrays.js';
import type { TokenChoiceNode } from '../../tree/token-choice-node.js';
import type { TokenChoiceTree } from '../../tree/token-choice-tree.js';
import type { PromptMemory, PromptValues } from './prompt-memory.js';
import {
  type Likely,
  type Place,
  type ScoredPrompt,
  type ScoreRequest,
  type Spent,
  spend,
} from './token-position.js';

/** Stands behind a prompt so that what comes next is looked at; which token it is does not matter. */
const anyToken = 0;

/** A prompt in work, and what is known of it. */
interface Work {
  tokens: Int32Array;
  values: PromptValues;
  /** So many tokens' values are known; at least 1. */
  depth: number;
  next: Likely | undefined;
}

/** Tokens of the prompts that are scored in one go. */
const mostTokens = 2 ** 16;

/** The prompts' tokens; for `alternatives` of 0 or 1. */
export async function scoreByTree(
  memory: PromptMemory,
  prompts: readonly Int32Array[],
  request: ScoreRequest,
  spent: Spent,
): Promise<ScoredPrompt[]> {
  const scored: ScoredPrompt[] = [];
  for (let start = 0; start < prompts.length; ) {
    let end = start;
    let tokens = 0;
    do tokens += (prompts[end++] as Int32Array).length;
    while (tokens < mostTokens && end < prompts.length);
    scored.push(...(await scoreTogether(memory, prompts.slice(start, end), request, spent)));
    start = end;
  }
  return scored;
}

async function scoreTogether(
  memory: PromptMemory,
  prompts: readonly Int32Array[],
  request: ScoreRequest,
  spent: Spent,
): Promise<ScoredPrompt[]> {
  const { revision } = memory;
  const works = prompts.map((tokens) => recall(memory, tokens));
  const open = works.filter(({ tokens, depth }) => request.next || depth < tokens.length);
  // A tree hangs on at least one token that all of it follows.
  const groups = new Map<number, Work[]>();
  for (const work of open) {
    const first = work.tokens[0] as number;
    groups.set(first, [...(groups.get(first) ?? []), work]);
  }
  for (const group of groups.values()) await scoreGroup(memory, group, request, spent);
  for (const { values } of open) memory.add(values, revision);
  return works.map(({ values, next }) => ({
    places: placesOf(values, request.alternatives),
    next: next && { ...next, top: [next].slice(0, request.alternatives) },
  }));
}

function recall(memory: PromptMemory, tokens: Int32Array): Work {
  const values: PromptValues = {
    tokens,
    logprobs: new Float64Array(tokens.length),
    bestTokens: new Int32Array(tokens.length),
    bestLogprobs: new Float64Array(tokens.length),
  };
  const known = memory.find(tokens);
  if (known === undefined) return { tokens, values, depth: 1, next: undefined };
  const { depth, values: old } = known;
  values.logprobs.set(old.logprobs.subarray(0, depth));
  values.bestTokens.set(old.bestTokens.subarray(0, depth));
  values.bestLogprobs.set(old.bestLogprobs.subarray(0, depth));
  return { tokens, values, depth, next: undefined };
}

async function scoreGroup(
  memory: PromptMemory,
  works: readonly Work[],
  { next, signal }: ScoreRequest,
  spent: Spent,
): Promise<void> {
  const [first] = works as [Work];
  // What all begin with, as far as nothing new is to be told of it, is the tree's prompt.
  const start = works.reduce(
    (most, { tokens, depth }) => Math.min(most, depth, commonPrefix(first.tokens, tokens)),
    first.tokens.length,
  );
  const paths = works.map(({ tokens }) => {
    const path = new Int32Array(tokens.length - start + (next ? 1 : 0)).fill(anyToken);
    path.set(tokens.subarray(start));
    return path;
  });
  const prompt = first.tokens.slice(0, start);
  const options = { details: true, search: 'exhaustive', signal } as const;
  const { choices, tree, usage } = await memory.lm.choose(prompt, paths, options);
  spend(spent, usage);
  const nodes = tree.nodes();
  for (const [path, work] of works.entries()) {
    enter(work, start, choices[path] as ScoredChoice, nodesOf(tree, nodes, path));
  }
}

const nodesOf = (tree: TokenChoiceTree, nodes: TokenChoiceNode[], path: number) =>
  Array.from(tree.nodesOf(path), (node) => nodes[node] as TokenChoiceNode);

function enter(work: Work, start: number, choice: ScoredChoice, nodes: TokenChoiceNode[]): void {
  const { tokens, values } = work;
  for (const [index, { best }] of nodes.entries()) {
    const { token, logprob } = best as Likely;
    const at = start + index;
    if (at === tokens.length) {
      work.next = { token, logprob };
      continue;
    }
    // Of the place where prompts part, each has its own token's; what was known stays.
    if (at < work.depth) continue;
    values.logprobs[at] = choice.logprobs[index] as number;
    values.bestTokens[at] = token;
    // Clients compare the two: where they are one token's they are one number.
    values.bestLogprobs[at] = token === tokens[at] ? (values.logprobs[at] as number) : logprob;
  }
}

function placesOf(values: PromptValues, alternatives: number): (Place | undefined)[] {
  const { tokens, logprobs, bestTokens, bestLogprobs } = values;
  return Array.from(tokens, (token, index) => {
    if (index === 0) return undefined;
    const best = {
      token: bestTokens[index] as number,
      logprob: bestLogprobs[index] as number,
    };
    return { token, logprob: logprobs[index] as number, top: [best].slice(0, alternatives) };
  });
}
