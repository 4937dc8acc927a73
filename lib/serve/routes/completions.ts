// `POST /v1/completions`: completions of prompts, and the log-probabilities of both.

import type { Completion, CompletionChunk } from '../../common/completion.js';
import { roomAfter } from '../../common/room.js';
import type { CompleteOptions } from '../../generation/completion-options.js';
import { eventStream } from '../http/events.js';
import type { Fields } from '../http/fields.js';
import { contextLengthExceeded } from '../http/http-error.js';
import { scorePrompts } from '../scoring/echo.js';
import { type CompletionLogprobs, LogprobLists } from '../scoring/logprobs.js';
import { endTokenAfter } from '../scoring/row-scores.js';
import { emptyUsage, type ScoredPrompt, type TokenPosition } from '../scoring/token-position.js';
import { type Call, now, type Served } from '../served.js';
import { costOf } from '../turns.js';
import {
  type CompletionsRequest,
  readCompletions,
  wantsGreedyToken,
} from './completions-request.js';
import { checkAlternatives, completeOptions } from './generation-request.js';
import { preparePrompts, promptName, type ServedPrompt } from './prompts.js';
import {
  addCompletionUsage,
  finishReason,
  generateAll,
  positionsOf,
  toUsageJson,
  type UsageJson,
} from './run-completions.js';

/** A choice in the response, or a streamed chunk of one. */
interface CompletionChoice {
  index: number;
  text: string;
  logprobs: CompletionLogprobs | null;
  finish_reason: 'stop' | 'length' | null;
}

/** Receives chunks of all choices; the chunks of one choice come in order. */
type EmitChunk = (chunk: CompletionChoice) => void;

/** Handles a request. */
export async function completions(served: Served, fields: Fields, call: Call) {
  const request = readCompletions(served, fields);
  const { signal } = call;
  const prompts = await preparePrompts(served, request.prompts, 'prompt', signal);
  checkFit(served, prompts, request.maxTokens);
  checkAlternatives(maxReportedTokens(prompts, request), request.logprobs ?? 0, 'logprobs');
  const head = {
    id: `cmpl-${crypto.randomUUID()}`,
    object: 'text_completion',
    created: now(),
    model: served.name,
  };
  const options = await completeOptions(request, served.lm.model, signal);
  const task = new CompletionsTask(served, request, prompts, options, signal);
  const take = (emit: EmitChunk): Promise<UsageJson> =>
    served.turns.take(costOfAll(prompts, request), signal, () => task.run(emit));
  if (request.stream) {
    return eventStream(call, async (send) => {
      const usage = await take((choice) => send({ ...head, choices: [choice] }));
      if (request.includeUsage) send({ ...head, choices: [], usage });
    });
  }
  const choices: CompletionChoice[] = [];
  const usage = await take((chunk) => {
    const before = choices[chunk.index];
    choices[chunk.index] = before === undefined ? chunk : concatenated(before, chunk);
  });
  return { ...head, choices, usage };
}

const costOfAll = (
  prompts: readonly ServedPrompt[],
  { n, maxTokens }: CompletionsRequest,
): number =>
  costOf(
    prompts.reduce((sum, { tokens }) => sum + tokens.length, 0),
    prompts.length * n * maxTokens,
  );

/** Rejects prompts that leave no room in the context for `maxTokens` tokens. */
function checkFit({ lm }: Served, prompts: readonly ServedPrompt[], maxTokens: number): void {
  for (const [index, { tokens }] of prompts.entries()) {
    // The last generated token is not decoded, so it takes no context.
    if (Math.max(0, maxTokens - 1) <= roomAfter(lm, tokens.length)) continue;
    const needed = `The prompt of ${tokens.length} tokens and max_tokens of ${maxTokens}`;
    throw contextLengthExceeded(
      `${needed} do not fit in the context of ${lm.contextSize}`,
      promptName('prompt', prompts, index),
    );
  }
}

/** Upper bound on the tokens that the whole response reports. */
function maxReportedTokens(
  prompts: readonly ServedPrompt[],
  { echo, maxTokens, n }: CompletionsRequest,
): number {
  const echoed = echo ? prompts.reduce((sum, { tokens }) => sum + tokens.length, 0) : 0;
  return n * (echoed + prompts.length * maxTokens);
}

function concatenated(a: CompletionChoice, b: CompletionChoice): CompletionChoice {
  return {
    index: a.index,
    text: a.text + b.text,
    logprobs: a.logprobs && b.logprobs && appendLists(a.logprobs, b.logprobs),
    finish_reason: b.finish_reason,
  };
}

/** Appends to the first argument in place: a copy per token would take quadratic time. */
function appendLists(a: CompletionLogprobs, b: CompletionLogprobs): CompletionLogprobs {
  for (const key of Object.keys(a) as (keyof CompletionLogprobs)[]) {
    const [to, from]: [unknown[], unknown[]] = [a[key], b[key]];
    for (const item of from) to.push(item);
  }
  return a;
}

/** Computes the choices of one request. */
class CompletionsTask {
  readonly #served: Served;
  readonly #request: CompletionsRequest;
  readonly #prompts: readonly ServedPrompt[];
  readonly #options: CompleteOptions;
  readonly #signal: AbortSignal;
  readonly #lists: readonly LogprobLists[];
  readonly #total = emptyUsage();

  constructor(
    served: Served,
    request: CompletionsRequest,
    prompts: readonly ServedPrompt[],
    options: CompleteOptions,
    signal: AbortSignal,
  ) {
    this.#served = served;
    this.#request = request;
    this.#prompts = prompts;
    this.#options = options;
    this.#signal = signal;
    this.#lists = prompts.flatMap(() =>
      Array.from({ length: request.n }, () => new LogprobLists(served.names, request.naming)),
    );
  }

  /** Emits all choices chunk by chunk; resolves to the usage of the whole request. */
  async run(emit: EmitChunk): Promise<UsageJson> {
    const { echo, logprobs, maxTokens } = this.#request;
    const promptTokens = this.#prompts.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const scored = echo && logprobs !== undefined ? await this.#scorePrompts(logprobs) : [];
    if (echo) for (const [index] of this.#lists.entries()) this.#emitEcho(emit, index, scored);
    let generated = 0;
    if (maxTokens === 0) {
      for (const [index] of this.#lists.entries()) emit(this.#finalChunk(index, '', 'length'));
    } else if (scored.some(({ next }) => next !== undefined)) {
      for (const [index] of this.#lists.entries()) {
        const { next } = scored[this.#promptOf(index)] as { next: TokenPosition };
        if (this.#emitNext(emit, index, next)) generated++;
      }
    } else {
      generated = await this.#generate(emit);
    }
    return toUsageJson(promptTokens, generated, this.#total);
  }

  #promptOf(index: number): number {
    return Math.floor(index / this.#request.n);
  }

  #scorePrompts(alternatives: number): Promise<ScoredPrompt[]> {
    const scoreRequest = {
      alternatives,
      next: wantsGreedyToken(this.#request),
      signal: this.#signal,
    };
    return scorePrompts(this.#served, this.#prompts, scoreRequest, this.#total);
  }

  #emitEcho(emit: EmitChunk, index: number, scored: readonly ScoredPrompt[]): void {
    const { text, tokens, hidden, zeroWidth } = this.#prompts[
      this.#promptOf(index)
    ] as ServedPrompt;
    const positions = scored[this.#promptOf(index)]?.positions;
    const lists = this.#lists[index] as LogprobLists;
    if (positions !== undefined)
      lists.addPrompt(tokens.subarray(hidden), positions, text, zeroWidth);
    emit({ index, text, logprobs: this.#takeLogprobs(index), finish_reason: null });
  }

  #takeLogprobs(index: number): CompletionLogprobs | null {
    if (this.#request.logprobs === undefined) return null;
    return (this.#lists[index] as LogprobLists).take();
  }

  #finalChunk(
    index: number,
    text: string,
    reason: CompletionChoice['finish_reason'],
  ): CompletionChoice {
    return { index, text, logprobs: this.#takeLogprobs(index), finish_reason: reason };
  }

  /** Emits the one requested token, known from scoring. Returns whether it counts as generated. */
  #emitNext(emit: EmitChunk, index: number, next: TokenPosition): boolean {
    const isEnd = this.#served.lm.endOfGeneration.includes(next.token);
    const bytes = isEnd ? new Uint8Array(0) : this.#served.names.textBytes(next.token);
    (this.#lists[index] as LogprobLists).add(next.token, next, bytes);
    emit(this.#finalChunk(index, Buffer.from(bytes).toString(), isEnd ? 'stop' : 'length'));
    return !isEnd;
  }

  async #generate(emit: EmitChunk): Promise<number> {
    const { lm } = this.#served;
    const { n, maxTokens, logprobs, stream } = this.#request;
    const options = {
      ...this.#options,
      maxTokens,
      topLogprobs: logprobs ?? 0,
      signal: this.#signal,
    };
    const onChunk = (chunk: CompletionChunk, index: number): void => {
      this.#add(index, chunk);
      emit({ index, text: chunk.text, logprobs: this.#takeLogprobs(index), finish_reason: null });
    };
    const prompts = this.#prompts.map(({ tokens }) => tokens);
    const completed = await generateAll(lm, prompts, n, options, stream ? onChunk : undefined);
    addCompletionUsage(this.#total, completed);
    for (const [index, completion] of completed.entries()) {
      if (!stream) this.#add(index, completion);
      if (completion.stopReason === 'eog') await this.#addEndToken(index, completion);
      emit(this.#finalChunk(index, stream ? '' : completion.text, finishReason(completion)));
    }
    return completed.reduce((sum, { tokens }) => sum + tokens.length, 0);
  }

  #add(index: number, chunk: Pick<Completion, 'tokens' | 'logprobs' | 'alternatives'>): void {
    if (this.#request.logprobs === undefined) return;
    const lists = this.#lists[index] as LogprobLists;
    for (const position of positionsOf(chunk)) {
      lists.add(position.token, position, this.#served.names.textBytes(position.token));
    }
  }

  /**
   * Adds the end-of-generation token to the log-probabilities, as OpenAI does: clients expect the
   * last entry to be a generated token, even if the completion is empty.
   */
  async #addEndToken(index: number, { tokens }: Completion): Promise<void> {
    const { logprobs } = this.#request;
    if (logprobs === undefined) return;
    const { lm } = this.#served;
    const prompt = this.#prompts[this.#promptOf(index)] as ServedPrompt;
    const scoreRequest = { alternatives: logprobs, signal: this.#signal };
    const position = await endTokenAfter(lm, prompt.tokens, tokens, scoreRequest);
    (this.#lists[index] as LogprobLists).add(position.token, position, new Uint8Array(0));
  }
}
