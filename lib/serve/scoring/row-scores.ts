// Scores prompts from rows of logits, for requests that want several top tokens per position.
// Rows are fetched a few at a time to bound memory use.

import { logSumExp } from '../../common/log-softmax.js';
import { commonPrefix } from '../../common/token-arrays.js';
import { bestIndices } from '../../generation/candidates.js';
import type { LLaMa } from '../../llama.js';
import {
  addUsage,
  type EngineUsage,
  type ScoredPrompt,
  type ScoreRequest,
  type TokenLogprob,
  type TokenPosition,
} from './token-position.js';

/** Limit on the logits held at once: 16 MiB. */
const maxLogits = 2 ** 22;

/** Scores prompts, with the requested number of top tokens per position. */
export async function scoreByRows(
  lm: LLaMa,
  prompts: readonly Int32Array[],
  request: ScoreRequest,
  total: EngineUsage,
): Promise<ScoredPrompt[]> {
  const results: ScoredPrompt[] = [];
  // Sorting puts prompts with a common prefix next to each other.
  const order = [...prompts.keys()].sort((a, b) => compare(prompts[a], prompts[b]));
  let previous: { tokens: Int32Array; scored: ScoredPrompt } | undefined;
  for (const index of order) {
    const tokens = prompts[index] as Int32Array;
    const shared = previous === undefined ? 0 : commonPrefix(previous.tokens, tokens);
    const known = previous?.scored.positions.slice(0, shared) ?? [];
    const scored = await scoreFrom(lm, tokens, known, request, total);
    results[index] = scored;
    previous = { tokens, scored };
  }
  return results;
}

/** The most likely end token after a prompt and its completion, with the top tokens there. */
export async function endTokenAfter(
  lm: LLaMa,
  prompt: Int32Array,
  continuation: Int32Array,
  { alternatives, signal }: Omit<ScoreRequest, 'next'>,
): Promise<TokenPosition> {
  const { logits } = await lm.eval(prompt, { continuation, signal });
  const values = Array.from(lm.endOfGeneration, (token) => ({
    token,
    logit: logits[token] as number,
  }));
  const { token } = values.reduce((best, other) => (other.logit > best.logit ? other : best));
  return scoreRow(logits, token, alternatives);
}

async function scoreFrom(
  lm: LLaMa,
  tokens: Int32Array,
  known: readonly (TokenPosition | undefined)[],
  { alternatives, next, signal }: ScoreRequest,
  total: EngineUsage,
): Promise<ScoredPrompt> {
  const { vocabularySize: width } = lm;
  const positions = known.length === 0 ? [undefined] : [...known];
  let after: TokenPosition | undefined;
  // Row i predicts token i + 1.
  const end = next ? tokens.length : tokens.length - 1;
  const maxRows = Math.max(1, Math.floor(maxLogits / width));
  for (let row = positions.length - 1; row < end; ) {
    const until = Math.min(end, row + maxRows);
    const rows = Array.from({ length: until - row }, (_, index) => row + index);
    const result = await lm.eval(tokens.slice(0, until), { logits: rows, signal });
    addUsage(total, result.usage);
    for (let index = 0; index < rows.length; index++, row++) {
      const logits = result.logits.subarray(index * width, (index + 1) * width);
      const position = scoreRow(logits, tokens[row + 1], alternatives);
      if (row + 1 < tokens.length) positions.push(position);
      else after = position;
    }
  }
  return { positions, next: after };
}

/** Scores a token against a row of logits; the most likely token if `token` is undefined. */
function scoreRow(
  logits: Float32Array,
  token: number | undefined,
  alternatives: number,
): TokenPosition {
  const logTotal = logSumExp(logits);
  const logprob = (id: number): number => Math.min(0, (logits[id] as number) - logTotal);
  const best = bestIndices(logits, Math.max(1, alternatives));
  const top = Array.from(best, (id): TokenLogprob => ({ token: id, logprob: logprob(id) }));
  const own = token ?? (best[0] as number);
  return { token: own, logprob: logprob(own), top: top.slice(0, alternatives) };
}

function compare(a: Int32Array = new Int32Array(0), b: Int32Array = new Int32Array(0)): number {
  const shared = commonPrefix(a, b);
  return (a[shared] ?? -1) - (b[shared] ?? -1);
}
