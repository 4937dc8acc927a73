// Parses the body of `POST /v1/completions`.

import { type Fields, flag, integer, text } from '../http/fields.js';
import { invalidField } from '../http/http-error.js';
import type { Naming } from '../scoring/token-names.js';
import type { Served } from '../served.js';
import { alternatives, type GenerationRequest, readGeneration } from './generation-request.js';
import { type PromptField, promptFields } from './prompts.js';

/** A parsed completions request. */
export interface CompletionsRequest extends GenerationRequest {
  prompts: PromptField[];
  /** Whether completions start with their prompts. */
  echo: boolean;
  /** Number of top tokens to report per position; undefined for no log-probabilities. */
  logprobs: number | undefined;
  naming: Naming;
  /** 0 to generate nothing. */
  maxTokens: number;
}

/** Limit on the completions of one request. */
const maxCompletions = 4096;

/** OpenAI's default. */
const defaultMaxTokens = 16;

/** Parses the fields; throws HttpError. */
export function readCompletions(served: Served, fields: Fields): CompletionsRequest {
  const { model, vocabularySize } = served.lm;
  served.checkModel(fields.get('model', text));
  const request: CompletionsRequest = {
    prompts: fields.require('prompt', promptFields(vocabularySize)),
    echo: fields.get('echo', flag) ?? false,
    logprobs: fields.get('logprobs', alternatives),
    naming: fields.get('return_tokens_as_token_ids', flag) ? 'id' : 'text',
    maxTokens: fields.get('max_tokens', integer(0)) ?? defaultMaxTokens,
    ...readGeneration(fields, model),
  };
  const { n } = request;
  // Only `best_of` equal to `n` is supported: all completions are returned, none is discarded.
  fields.get('best_of', integer(n, n));
  fields.finish();
  if (request.prompts.length * n > maxCompletions) {
    throw invalidField(`at most ${maxCompletions} completions`, 'prompt', request.prompts);
  }
  return request;
}

/** Whether the result is exactly the one most likely token, unaffected by other options. */
export const wantsGreedyToken = ({
  maxTokens,
  sampler,
  grammar,
  stop,
}: CompletionsRequest): boolean =>
  maxTokens === 1 && sampler.isGreedy && grammar === undefined && stop.length === 0;
