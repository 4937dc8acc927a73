// The body of `POST /v1/completions`, read.

import { type Fields, flag, integer, text } from '../http/fields.js';
import { badField } from '../http/http-error.js';
import type { Naming } from '../scoring/token-names.js';
import type { Served } from '../served.js';
import { alternatives, readWriting, type WritingRequest } from './generation-request.js';
import { type PromptField, promptFields } from './prompts.js';

/** What is asked of completions. */
export interface CompletionsRequest extends WritingRequest {
  prompts: PromptField[];
  /** Whether answers begin with their prompts. */
  echo: boolean;
  /** How many of the likeliest tokens to tell in each place; undefined for no log-probabilities. */
  logprobs: number | undefined;
  naming: Naming;
  /** 0 for none. */
  maxTokens: number;
}

/** Most answers to one request. */
const mostTexts = 4096;

/** As OpenAI has it. */
const usualMaxTokens = 16;

/** Reads the fields; throws HttpError. */
export function readCompletions(served: Served, fields: Fields): CompletionsRequest {
  const { model, vocabularySize } = served.lm;
  served.checkModel(fields.get('model', text));
  const request: CompletionsRequest = {
    prompts: fields.need('prompt', promptFields(vocabularySize)),
    echo: fields.get('echo', flag) ?? false,
    logprobs: fields.get('logprobs', alternatives),
    naming: fields.get('return_tokens_as_token_ids', flag) ? 'id' : 'text',
    maxTokens: fields.get('max_tokens', integer(0)) ?? usualMaxTokens,
    ...readWriting(fields, model),
  };
  const { n } = request;
  // As many as are told: none would be written in vain, and nothing is picked of them.
  fields.get('best_of', integer(n, n));
  fields.finish();
  if (request.prompts.length * n > mostTexts) {
    throw badField(`at most ${mostTexts} answers`, 'prompt', request.prompts);
  }
  return request;
}

/** Whether one token is asked for, and it is the likeliest, come what may. */
export const wantsLikeliest = ({
  maxTokens,
  sampler,
  grammar,
  stop,
}: CompletionsRequest): boolean =>
  maxTokens === 1 && sampler.isGreedy && grammar === undefined && stop.length === 0;
