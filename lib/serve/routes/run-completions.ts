// Runs the completions of one request on the LM, and computes their usage.

import type { Completion, CompletionChunk } from '../../common/completion.js';
import type { CompleteOptions } from '../../generation/completion-options.js';
import type { LLaMa } from '../../llama.js';
import { addUsage, type EngineUsage, type TokenPosition } from '../scoring/token-position.js';

/** OpenAI's usage object, with two more fields. */
export interface UsageJson {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number };
  /** Tokens that the engine decoded; shared prompt prefixes count once. */
  decoded_tokens: number;
  /** The engine's decode calls into llama.cpp. */
  decode_calls: number;
}

/** Generates `n` completions per prompt; completion i of all has the sampler's seed plus i. */
export async function generateAll(
  lm: LLaMa,
  prompts: readonly Int32Array[],
  n: number,
  options: Omit<CompleteOptions, 'onToken'>,
  onChunk?: (chunk: CompletionChunk, index: number) => void,
): Promise<Completion[]> {
  const sequences = prompts.flatMap((prompt) => Array.from({ length: n }, () => prompt));
  const [only, ...others] = sequences;
  if (only === undefined || others.length > 0) {
    return lm.completeMany(sequences, { ...options, onToken: onChunk });
  }
  const onToken = onChunk && ((chunk: CompletionChunk) => onChunk(chunk, 0));
  return [await lm.complete(only, { ...options, onToken })];
}

/** The positions of a chunk or of a whole completion. */
export function positionsOf({
  tokens,
  logprobs,
  alternatives = [],
}: Pick<CompletionChunk, 'tokens' | 'logprobs' | 'alternatives'>): TokenPosition[] {
  return Array.from(tokens, (token, index) => ({
    token,
    logprob: logprobs[index] as number,
    top: alternatives[index] ?? [],
  }));
}

export function toUsageJson(
  promptTokens: number,
  completionTokens: number,
  total: EngineUsage,
): UsageJson {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: total.cachedTokens },
    decoded_tokens: total.decodedTokens,
    decode_calls: total.decodeCalls,
  };
}

/** Adds the usage of completions to the total. */
export function addCompletionUsage(total: EngineUsage, completions: readonly Completion[]): void {
  for (const { usage } of completions) addUsage(total, usage);
}

/** OpenAI's reason for the end of a completion. */
export const finishReason = ({ stopReason }: Pick<Completion, 'stopReason'>): 'stop' | 'length' =>
  stopReason === 'length' ? 'length' : 'stop';
