// `POST /v1/chat/completions`: answers to conversations, by the model's own chat template.

import type { Completion, CompletionChunk } from '../../common/completion.js';
import { eventStream } from '../http/events.js';
import type { Fields } from '../http/fields.js';
import { tooLong } from '../http/http-error.js';
import { type ChatPlace, chatPlace } from '../scoring/logprobs.js';
import { nothingSpent } from '../scoring/token-position.js';
import { type Call, now, type Served } from '../served.js';
import { type ChatRequest, readChat } from './chat-request.js';
import { checkTold, completeOptions } from './generation-request.js';
import { finishReason, placesOf, spendOn, usageOf, writeAll } from './run-completions.js';

/** Answers a request. */
export async function chat(served: Served, fields: Fields, call: Call) {
  const request = readChat(served, fields);
  const tokens = await served.conversation.tokens(request.messages, true, request.prefix);
  const { maxTokens, n } = request;
  checkFit(served, tokens, maxTokens);
  const room = Math.min(maxTokens, served.lm.contextSize - tokens.length + 1);
  checkTold(room * n, request.logprobs ?? 0, 'top_logprobs');
  const { names, lm } = served;
  const options = {
    ...completeOptions(request),
    maxTokens,
    topLogprobs: request.logprobs ?? 0,
    signal: call.signal,
  };
  const spent = nothingSpent();
  const count = (done: readonly Completion[]) => {
    spendOn(spent, done);
    const written = done.reduce((sum, completion) => sum + completion.tokens.length, 0);
    return usageOf(tokens.length, written, spent);
  };
  const logprobs = (piece: Completion | CompletionChunk): { content: ChatPlace[] } | null =>
    request.logprobs === undefined
      ? null
      : { content: placesOf(piece).map((place) => chatPlace(names, place)) };
  const head = {
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: request.stream ? 'chat.completion.chunk' : 'chat.completion',
    created: now(),
    model: served.name,
  };
  if (!request.stream) {
    const done = await writeAll(lm, [tokens], n, options);
    const choices = done.map((completion, index) => ({
      index,
      message: { role: 'assistant', content: completion.text, refusal: null },
      logprobs: logprobs(completion),
      finish_reason: finishReason(completion),
    }));
    return { ...head, choices, usage: count(done) };
  }
  return eventStream(call, async (send) => {
    const opened = new Set<number>();
    /** The first piece of each answer says whose it is. */
    const tell = (index: number, delta: { content?: string }, more: object): void => {
      const role = opened.has(index) ? {} : { role: 'assistant' };
      opened.add(index);
      send({ ...head, choices: [{ index, delta: { ...role, ...delta }, ...more }] });
    };
    const onChunk = (chunk: CompletionChunk, index: number): void => {
      const more = { logprobs: logprobs(chunk), finish_reason: null };
      tell(index, { content: chunk.text }, more);
    };
    const done = await writeAll(lm, [tokens], n, options, onChunk);
    for (const [index, completion] of done.entries()) {
      tell(index, {}, { logprobs: null, finish_reason: finishReason(completion) });
    }
    const usage = count(done);
    if (request.includeUsage) send({ ...head, choices: [], usage });
  });
}

/** Refuses a conversation that leaves no room for the answer. */
function checkFit({ lm }: Served, tokens: Int32Array, maxTokens: ChatRequest['maxTokens']): void {
  const room = maxTokens === Infinity ? 1 : maxTokens;
  if (tokens.length + room - 1 <= lm.contextSize) return;
  const answer = maxTokens === Infinity ? 'an answer' : `max_tokens of ${maxTokens}`;
  throw tooLong(
    `The messages of ${tokens.length} tokens and ${answer} do not fit in the context of ${lm.contextSize}`,
    'messages',
  );
}
