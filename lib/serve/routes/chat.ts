// `POST /v1/chat/completions`: chat completions, with the model's chat template or the server's.

import type { Completion, CompletionChunk } from '../../common/completion.js';
import { roomAfter } from '../../common/room.js';
import { eventStream } from '../http/events.js';
import type { Fields } from '../http/fields.js';
import { blaming, contextLengthExceeded } from '../http/http-error.js';
import { type ChatTokenLogprob, chatTokenLogprob } from '../scoring/logprobs.js';
import { emptyUsage } from '../scoring/token-position.js';
import { type Call, now, type Served } from '../served.js';
import { costOf } from '../turns.js';
import { type ChatRequest, readChat } from './chat-request.js';
import { checkAlternatives, completeOptions } from './generation-request.js';
import {
  addCompletionUsage,
  finishReason,
  generateAll,
  positionsOf,
  toUsageJson,
} from './run-completions.js';

/** Handles a request. */
export async function chat(served: Served, fields: Fields, call: Call) {
  const request = await readChat(served, fields, call.signal);
  const { messages, prefix } = request;
  const tokens = await blaming(
    served.conversation.tokens(messages, true, prefix, call.signal),
    () => 'messages',
  );
  const { maxTokens, n } = request;
  checkFit(served, tokens, maxTokens);
  const maxNewTokens = Math.min(maxTokens, roomAfter(served.lm, tokens.length) + 1);
  checkAlternatives(maxNewTokens * n, request.logprobs ?? 0, 'top_logprobs');
  const { names, lm } = served;
  const options = {
    ...(await completeOptions(request, lm.model, call.signal)),
    maxTokens,
    topLogprobs: request.logprobs ?? 0,
    signal: call.signal,
  };
  const cost = costOf(tokens.length, n * maxNewTokens);
  const take = <T>(work: () => Promise<T>): Promise<T> =>
    served.turns.take(cost, call.signal, work);
  const total = emptyUsage();
  const usageOf = (completed: readonly Completion[]) => {
    addCompletionUsage(total, completed);
    const completionTokens = completed.reduce(
      (sum, completion) => sum + completion.tokens.length,
      0,
    );
    return toUsageJson(tokens.length, completionTokens, total);
  };
  const logprobs = (
    output: Completion | CompletionChunk,
  ): { content: ChatTokenLogprob[] } | null =>
    request.logprobs === undefined
      ? null
      : { content: positionsOf(output).map((position) => chatTokenLogprob(names, position)) };
  const head = {
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: request.stream ? 'chat.completion.chunk' : 'chat.completion',
    created: now(),
    model: served.name,
  };
  if (!request.stream) {
    const completed = await take(() => generateAll(lm, [tokens], n, options));
    const choices = completed.map((completion, index) => ({
      index,
      message: { role: 'assistant', content: completion.text, refusal: null },
      logprobs: logprobs(completion),
      finish_reason: finishReason(completion),
    }));
    return { ...head, choices, usage: usageOf(completed) };
  }
  return eventStream(call, async (send) => {
    const opened = new Set<number>();
    /** The first chunk of each choice carries the role. */
    const emit = (index: number, delta: { content?: string }, more: object): void => {
      const role = opened.has(index) ? {} : { role: 'assistant' };
      opened.add(index);
      send({ ...head, choices: [{ index, delta: { ...role, ...delta }, ...more }] });
    };
    const onChunk = (chunk: CompletionChunk, index: number): void => {
      const more = { logprobs: logprobs(chunk), finish_reason: null };
      emit(index, { content: chunk.text }, more);
    };
    const completed = await take(() => generateAll(lm, [tokens], n, options, onChunk));
    for (const [index, completion] of completed.entries()) {
      emit(index, {}, { logprobs: null, finish_reason: finishReason(completion) });
    }
    const usage = usageOf(completed);
    if (request.includeUsage) send({ ...head, choices: [], usage });
  });
}

/** Rejects a conversation that leaves no room in the context for the response. */
function checkFit({ lm }: Served, tokens: Int32Array, maxTokens: ChatRequest['maxTokens']): void {
  const maxNewTokens = maxTokens === Infinity ? 1 : maxTokens;
  if (maxNewTokens - 1 <= roomAfter(lm, tokens.length)) return;
  const response = maxTokens === Infinity ? 'a response' : `max_tokens of ${maxTokens}`;
  throw contextLengthExceeded(
    `The messages of ${tokens.length} tokens and ${response} do not fit in the context of ${lm.contextSize}`,
    'messages',
  );
}
