// Greedy decoding in TypeScript, for any LM with next-token log-probabilities. GreedyLM
// calls it; LLaMa decodes natively instead.

import { concatenate } from './boundary.js';
import type { Completion, CompletionRequest } from './completion.js';
import { noCost } from './usage.js';

/** A completion before its sums. */
export type Generation = Omit<Completion, 'logprob'>;

/** What greedy decoding needs of an LM. */
export interface Generator {
  next(tokens: Int32Array): Promise<Float32Array>;
  detokenize(tokens: Int32Array): Promise<string>;
  endOfGeneration: Int32Array;
  contextSize: number | undefined;
}

/** The index of the largest value, the lowest of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) {
    if ((values[index] as number) > (values[best] as number)) best = index;
  }
  return best;
}

/** Where the earliest of the stop strings begins in the text, or −1. */
export function findStop(text: string, stops: readonly string[]): number {
  const found = stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0);
  return found.length === 0 ? -1 : Math.min(...found);
}

/** Takes the likeliest token again and again, until a token, a text or a length ends it. */
export async function generate(
  lm: Generator,
  prompt: Int32Array,
  { maxTokens, stops }: Omit<CompletionRequest, 'signal'>,
): Promise<Generation> {
  const { usage, timings } = noCost();
  usage.promptTokens = prompt.length;
  // The last token needs no place in the context: nothing is decoded after it.
  const limit = Math.min(maxTokens, (lm.contextSize ?? Infinity) - prompt.length + 1);
  const ends = new Set(lm.endOfGeneration);
  // Grown token by token: the limit may be far beyond what is ever written.
  const tokens: number[] = [];
  const logprobs: number[] = [];
  let text = '';
  let stopReason: Completion['stopReason'] = 'length';
  while (logprobs.length < limit) {
    const start = performance.now();
    const path = concatenate(prompt, Int32Array.from(tokens));
    const distribution = await lm.next(path);
    timings[usage.decodeCalls === 0 ? 'promptMs' : 'decodeMs'] += performance.now() - start;
    usage.decodeCalls++;
    usage.decodedTokens += path.length;

    const token = argmax(distribution);
    if (ends.has(token)) {
      stopReason = 'eog';
      break;
    }
    tokens.push(token);
    logprobs.push(distribution[token] as number);
    text = await lm.detokenize(Int32Array.from(tokens));
    const stop = findStop(text, stops);
    if (stop >= 0) {
      text = text.slice(0, stop);
      stopReason = 'stop';
      break;
    }
  }
  const written = { tokens: Int32Array.from(tokens), logprobs: Float64Array.from(logprobs) };
  return { text, ...written, stopReason, usage, timings };
}
