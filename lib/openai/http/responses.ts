// Parses response bodies: whole ones, and the chunks of streamed ones. `client.ts` uses it.

import type { ApiResponse, ApiResult } from './api.js';
import { Failure, failureFromBody } from './failure.js';
import { type RemoteStep, readLogprobs } from './logprobs.js';

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
const countOf = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;

/** Token counts as reported by a server. */
export type RemoteUsage = ApiResponse['usage'];

/** One chunk of a streamed completion. */
export interface ResponseChunk {
  text: string;
  /** The tokens of the chunk, if the server reports them. */
  steps: RemoteStep[] | undefined;
  /** Set in the chunk that ends the completion. */
  finishReason: string | undefined;
  usage: RemoteUsage | undefined;
}

const malformed = (what: string, requestId: string | undefined, cause?: unknown): Failure =>
  new Failure(`The response cannot be parsed: ${what}`, { requestId, isRetryable: true, cause });

/** Parses the JSON of a response or of one of its chunks. */
export function readJson(text: string, requestId: string | undefined): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed(`invalid JSON: ${JSON.stringify(text.slice(0, 80))}`, requestId, cause);
  }
  if (!isObject(value)) throw malformed(`expected an object, got ${String(value)}`, requestId);
  if (value.error !== undefined && value.error !== null) {
    throw failureFromBody(value.error, { requestId });
  }
  return value;
}

function readUsage(usage: unknown): RemoteUsage | undefined {
  if (!isObject(usage)) return undefined;
  const { prompt_tokens, completion_tokens, prompt_tokens_details: details } = usage;
  const promptTokens = countOf(prompt_tokens);
  const cachedTokens = countOf(isObject(details) ? details.cached_tokens : 0);
  return {
    promptTokens,
    completionTokens: countOf(completion_tokens),
    cachedTokens: Math.min(promptTokens, cachedTokens),
  };
}

/**
 * The generated text, for either endpoint, streamed or not. A chat `refusal` counts as the text.
 */
function generatedText(choice: Fields): string {
  const message = choice.delta ?? choice.message;
  const content = isObject(message) ? (message.content ?? message.refusal) : choice.text;
  return textOf(content) ?? '';
}

/** Whether a chunk belongs to the model's reasoning before its answer. */
function isReasoning(choice: Fields): boolean {
  const delta = isObject(choice.delta) ? choice.delta : {};
  return (textOf(delta.reasoning_content) ?? textOf(delta.reasoning) ?? '') !== '';
}

/** Parses a streamed chunk, or a non-streamed response as if it were a single chunk. */
export function readChunk(text: string, requestId: string | undefined): ResponseChunk {
  const { choices, usage } = readJson(text, requestId);
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const tokenCounts = readUsage(usage);
  if (!isObject(choice)) {
    return { text: '', steps: undefined, finishReason: undefined, usage: tokenCounts };
  }
  const generated = generatedText(choice);
  const isHidden = generated === '' && isReasoning(choice);
  return {
    text: generated,
    steps: isHidden ? undefined : readLogprobs(choice.logprobs),
    // Some servers send an empty one with every chunk.
    finishReason: textOf(choice.finish_reason) || undefined,
    usage: tokenCounts,
  };
}

/** Parses a non-streamed response, which must have the expected number of results. */
export function readResponse(
  text: string,
  count: number,
  requestId: string | undefined,
): ApiResponse {
  const { choices, usage } = readJson(text, requestId);
  if (!Array.isArray(choices) || choices.length !== count) {
    const received = Array.isArray(choices) ? choices.length : 'none';
    throw malformed(`expected ${count} results, got ${received}`, requestId);
  }
  const results = choices.map((choice: unknown, position): ApiResult => {
    if (!isObject(choice)) throw malformed(`result ${position} is ${String(choice)}`, requestId);
    const { index, finish_reason, logprobs } = choice;
    return {
      index: typeof index === 'number' ? index : position,
      text: generatedText(choice),
      finishReason: textOf(finish_reason),
      logprobs,
    };
  });
  results.sort((a, b) => a.index - b.index);
  if (results.some(({ index }, position) => index !== position)) {
    throw malformed('its results are not numbered consecutively', requestId);
  }
  return {
    results,
    usage: readUsage(usage) ?? { promptTokens: 0, completionTokens: 0, cachedTokens: 0 },
  };
}
