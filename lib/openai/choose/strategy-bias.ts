// Strategy `'bias'`: walks down the tree by generating one token at a time, with `logit_bias`
// raising the tree's own tokens above all others. This is AutoCog's way to choose with a server
// that returns no log-probabilities. It is greedy, so it may miss the most likely choice.
// `choose.ts` calls it.

import { RemoteError } from '../../common/errors.js';
import { concatenate } from '../../common/token-arrays.js';
import type { TreeTask } from '../../tree/tree-scoring.js';
import { childrenOf, pathTo } from '../../tree/tree-walk.js';
import type { ApiResult } from '../http/api.js';
import type { Requests } from './choose-requests.js';
import type { ServerFeatures } from './probe.js';
import type { RemoteEngine } from './remote-engine.js';
import { type Match, matchReply, namesOf, type TokenName } from './token-match.js';

/** How many tokens a server allows to be biased at once. */
export const maxBiases = 300;

/** The largest bias that the API allows. */
const maxBias = 100;

/** Generates one token after the prompt and a path. */
type GenerateToken = (
  path: Int32Array,
  bias: Readonly<Record<string, number>>,
) => Promise<ApiResult>;

/** The part of an engine that choosing by bias needs. */
type BiasEngine = Pick<RemoteEngine, 'tokenizer' | 'textOf' | 'bytesOf'>;

/** The node of the tree where the walk ends, which is the end of a choice. */
export async function walkByBias(
  engine: BiasEngine,
  features: ServerFeatures,
  { prompt, tree, request }: TreeTask,
  requests: Requests,
): Promise<number> {
  const children = childrenOf(tree);
  const isEnd = new Uint8Array(tree.tokens.length);
  for (const node of tree.ends) isEnd[node] = 1;
  const generate = tokenGenerator(engine, features, prompt, requests);
  let node = 0;
  for (;;) {
    const below = children[node] as number[];
    if (below.length === 0) return node;
    if (below.length === 1 && !isEnd[node]) {
      node = below[0] as number;
      continue;
    }
    const path = pathTo(tree, node);
    const tokenOf = (child: number): number => tree.tokens[child] as number;
    const candidates = await namesOf(engine, below.map(tokenOf));
    let next: number | undefined;
    if (!isEnd[node]) next = await pick(engine, generate, path, candidates);
    else if (request.endAt[node]) {
      const ends = await namesOf(engine, request.endTokens);
      const found = await pick(engine, generate, path, [...candidates, ...ends], ends);
      next = ends.some(({ token }) => token === found) ? undefined : found;
    } else {
      const match = matchReply(candidates, await generate(path, {}));
      if (match === 'ambiguous') throw noMatch('a token that matches several of them');
      next = match === 'none' ? undefined : match.token;
    }
    if (next === undefined) return node;
    node = below.find((child) => tokenOf(child) === next) as number;
  }
}

/**
 * The most likely of these tokens: by one request, or in rounds if there are too many to bias at
 * once.
 */
async function pick(
  engine: BiasEngine,
  generate: GenerateToken,
  path: Int32Array,
  candidates: readonly TokenName[],
  ends: readonly TokenName[] = [],
): Promise<number> {
  let remaining = candidates;
  while (remaining.length > maxBiases) {
    const winners: TokenName[] = [];
    for (let start = 0; start < remaining.length; start += maxBiases) {
      const group = remaining.slice(start, start + maxBiases);
      winners.push(group.length === 1 ? (group[0] as TokenName) : await generateAmong(group));
    }
    remaining = winners;
  }
  return (await generateAmong(remaining)).token;

  async function generateAmong(allowed: readonly TokenName[]): Promise<TokenName> {
    const bias = Object.fromEntries(allowed.map(({ token }) => [token, maxBias]));
    const reply = await generate(path, bias);
    const match = matchOrEnd(allowed, ends, reply);
    if (typeof match !== 'string') return match;
    if (match === 'ambiguous') throw noMatch('a token that matches several of them');
    // Retry without the token that was generated despite the bias.
    const [tokens] = reply.text === '' ? [] : await engine.tokenizer.texts([reply.text]);
    if (tokens?.length !== 1) throw noMatch(JSON.stringify(reply.text));
    const without = { ...bias, [tokens[0] as number]: -maxBias };
    const again = await generate(path, without);
    const second = matchOrEnd(allowed, ends, again);
    if (typeof second !== 'string') return second;
    throw noMatch(JSON.stringify(again.text));
  }
}

/** Like {@link matchReply}, but an empty text with finish reason `stop` matches an end token. */
function matchOrEnd(
  candidates: readonly TokenName[],
  ends: readonly TokenName[],
  reply: ApiResult,
): Match {
  const match = matchReply(candidates, reply);
  const ended = reply.text === '' && reply.finishReason === 'stop';
  const end = candidates.find(({ token }) => ends.some((end) => end.token === token));
  return typeof match === 'string' && ended && end !== undefined ? end : match;
}

function tokenGenerator(
  { tokenizer }: BiasEngine,
  features: ServerFeatures,
  prompt: Int32Array,
  requests: Requests,
): GenerateToken {
  const options = { sequential: true, exact: false };
  return async (path, bias) => {
    const tokens = concatenate(prompt, path);
    const logit_bias = Object.keys(bias).length === 0 ? {} : { logit_bias: bias };
    const fields = { max_tokens: 1, ...logit_bias };
    if (!features.completions) {
      const logprobs = features.chatLogprobs ? { logprobs: true, top_logprobs: 1 } : {};
      const greedy = features.chatTemperature ? { temperature: 0 } : {};
      const text = await tokenizer.textOf(tokens, false);
      return requests.chat(text, { ...fields, ...greedy, ...logprobs });
    }
    // The logprobs identify the generated token better than its text.
    const logprobs = features.topLogprobs > 0 ? { logprobs: 1 } : {};
    return requests.completeOne(tokens, { ...fields, temperature: 0, ...logprobs }, options);
  };
}

const noMatch = (reply: string): RemoteError =>
  new RemoteError(`Expected one of the candidate tokens from the server, got ${reply}`);
