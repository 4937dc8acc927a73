// Parses response bodies: whole ones, and the chunks of streamed ones. `client.ts` uses it.

import type { Answer, Answers } from './api.js';
import { Failure, failureInBody } from './failure.js';
import { type RemoteStep, readLogprobs } from './logprobs.js';

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
const countOf = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;

/** Token counts as reported by a server. */
export type RemoteUsage = Answers['usage'];

/** One chunk of a streamed completion. */
export interface Piece {
  text: string;
  /** The tokens of the chunk, if the server reports them. */
  steps: RemoteStep[] | undefined;
  /** Set in the chunk that ends the completion. */
  finishReason: string | undefined;
  usage: RemoteUsage | undefined;
}

const unreadable = (what: string, requestId: string | undefined, cause?: unknown): Failure =>
  new Failure(`The answer cannot be read: ${what}`, { requestId, mayPass: true, cause });

/** Parses the JSON of a response or of one of its chunks. */
export function readJson(text: string, requestId: string | undefined): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unreadable(`it is no JSON: ${JSON.stringify(text.slice(0, 80))}`, requestId, cause);
  }
  if (!isObject(value)) throw unreadable(`it is ${String(value)}`, requestId);
  if (value.error !== undefined && value.error !== null) {
    throw failureInBody(value.error, { requestId });
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
function writtenIn(choice: Fields): string {
  const message = choice.delta ?? choice.message;
  const said = isObject(message) ? (message.content ?? message.refusal) : choice.text;
  return textOf(said) ?? '';
}

/** Whether a chunk belongs to the model's reasoning before its answer. */
function isThought(choice: Fields): boolean {
  const delta = isObject(choice.delta) ? choice.delta : {};
  return (textOf(delta.reasoning_content) ?? textOf(delta.reasoning) ?? '') !== '';
}

/** Parses a streamed chunk, or a non-streamed response as if it were a single chunk. */
export function readPiece(text: string, requestId: string | undefined): Piece {
  const { choices, usage } = readJson(text, requestId);
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const counted = readUsage(usage);
  if (!isObject(choice)) {
    return { text: '', steps: undefined, finishReason: undefined, usage: counted };
  }
  const written = writtenIn(choice);
  const hidden = written === '' && isThought(choice);
  return {
    text: written,
    steps: hidden ? undefined : readLogprobs(choice.logprobs),
    finishReason: textOf(choice.finish_reason),
    usage: counted,
  };
}

/** Parses a non-streamed response, which must have the expected number of results. */
export function readAnswers(text: string, count: number, requestId: string | undefined): Answers {
  const { choices, usage } = readJson(text, requestId);
  if (!Array.isArray(choices) || choices.length !== count) {
    const found = Array.isArray(choices) ? choices.length : 'none';
    throw unreadable(`${count} texts were asked for, and ${found} came`, requestId);
  }
  const answers = choices.map((choice: unknown, place): Answer => {
    if (!isObject(choice)) throw unreadable(`text ${place} is ${String(choice)}`, requestId);
    const { index, finish_reason, logprobs } = choice;
    return {
      index: typeof index === 'number' ? index : place,
      text: writtenIn(choice),
      finishReason: textOf(finish_reason),
      logprobs,
    };
  });
  answers.sort((a, b) => a.index - b.index);
  if (answers.some(({ index }, place) => index !== place)) {
    throw unreadable('its texts are not numbered one by one', requestId);
  }
  return {
    answers,
    usage: readUsage(usage) ?? { promptTokens: 0, completionTokens: 0, cachedTokens: 0 },
  };
}
