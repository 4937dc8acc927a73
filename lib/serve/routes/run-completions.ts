// Has the LM write the answers of one request, and counts what they cost.

import type { Completion, CompletionChunk } from '../../common/completion.js';
import type { CompleteOptions } from '../../generation/completion-options.js';
import type { LLaMa } from '../../llama.js';
import { type Place, type Spent, spend } from '../scoring/token-position.js';

/** What there is to tell of a request's cost, as OpenAI names it and a little more. */
export interface UsageJson {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number };
  /** Tokens that the engine decoded; what prompts share counts once. */
  decoded_tokens: number;
  /** Its calls into llama.cpp. */
  decode_calls: number;
}

/** Writes `n` texts after each of the prompts; the n-th of all has the sampler's seed plus n. */
export async function writeAll(
  lm: LLaMa,
  prompts: readonly Int32Array[],
  n: number,
  options: Omit<CompleteOptions, 'onToken'>,
  onChunk?: (chunk: CompletionChunk, index: number) => void,
): Promise<Completion[]> {
  const tasks = prompts.flatMap((prompt) => Array.from({ length: n }, () => prompt));
  const [only, ...others] = tasks;
  if (only === undefined || others.length > 0) {
    return lm.completeMany(tasks, { ...options, onToken: onChunk });
  }
  const onToken = onChunk && ((chunk: CompletionChunk) => onChunk(chunk, 0));
  return [await lm.complete(only, { ...options, onToken })];
}

/** The tokens of a chunk, or of a whole completion, with what was likelier. */
export function placesOf({
  tokens,
  logprobs,
  alternatives = [],
}: Pick<CompletionChunk, 'tokens' | 'logprobs' | 'alternatives'>): Place[] {
  return Array.from(tokens, (token, index) => ({
    token,
    logprob: logprobs[index] as number,
    top: alternatives[index] ?? [],
  }));
}

/** Counts. */
export function usageOf(promptTokens: number, completionTokens: number, spent: Spent): UsageJson {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: spent.cachedTokens },
    decoded_tokens: spent.decodedTokens,
    decode_calls: spent.decodeCalls,
  };
}

/** Adds what completions cost. */
export function spendOn(spent: Spent, completions: readonly Completion[]): void {
  for (const { usage } of completions) spend(spent, usage);
}

/** Why a text ended, as OpenAI has it. */
export const finishReason = ({ stopReason }: Pick<Completion, 'stopReason'>): 'stop' | 'length' =>
  stopReason === 'length' ? 'length' : 'stop';
