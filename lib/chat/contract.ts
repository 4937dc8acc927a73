// Stands in for what `lib/lm.ts` and `lib/samplers.ts` will have.

import type { Prompt } from '../arguments.js';
import type { CallOptions } from '../call-options.js';
import type { Completion as BaseCompletion } from '../completion.js';
import type { LM } from '../lm.js';

export type SamplerOptions = Record<string, unknown>;
export interface CompletionChunk {
  text: string;
  tokens: Int32Array;
  logprobs: Float64Array;
}
export interface Completion extends Omit<BaseCompletion, 'stopReason'> {
  stopReason: 'eog' | 'stop' | 'length' | 'abort' | 'callback';
  stop?: string | number;
}
export interface CompleteOptions extends CallOptions {
  maxTokens?: number | undefined;
  stop?: string | number | readonly (string | number)[] | undefined;
  sampler?: SamplerOptions | undefined;
  grammar?: string | undefined;
  jsonSchema?: object | boolean | undefined;
  stopOnAbort?: boolean | undefined;
}
export interface CompletionStream extends AsyncIterableIterator<CompletionChunk> {
  readonly completion: Promise<Completion>;
}
export type ChatLM = LM & { stream(prompt: Prompt, options?: CompleteOptions): CompletionStream };
export const DefaultSampling: SamplerOptions | undefined = undefined;
