// `POST /v1/completions`: texts written after prompts, and the log-probabilities of both.

import type { Completion, CompletionChunk } from '../../common/completion.js';
import { concatenate } from '../../common/token-arrays.js';
import { eventStream } from '../http/events.js';
import type { Fields } from '../http/fields.js';
import { tooLong } from '../http/http-error.js';
import { scorePrompts } from '../scoring/echo.js';
import { type CompletionLogprobs, LogprobLists } from '../scoring/logprobs.js';
import { endAfter } from '../scoring/row-scores.js';
import { nothingSpent, type Place, type ScoredPrompt } from '../scoring/token-position.js';
import { type Call, now, type Served } from '../served.js';
import { type CompletionsRequest, readCompletions, wantsLikeliest } from './completions-request.js';
import { checkTold, completeOptions } from './generation-request.js';
import { readyPrompts, type ServedPrompt } from './prompts.js';
import {
  finishReason,
  placesOf,
  spendOn,
  type UsageJson,
  usageOf,
  writeAll,
} from './run-completions.js';

/** A piece of one answer, or a whole one. */
interface Piece {
  index: number;
  text: string;
  logprobs: CompletionLogprobs | null;
  finish_reason: 'stop' | 'length' | null;
}

/** Gets the pieces of all answers, those of each in order. */
type Tell = (piece: Piece) => void;

/** Answers a request. */
export async function completions(served: Served, fields: Fields, call: Call) {
  const request = readCompletions(served, fields);
  const { signal } = call;
  const prompts = await readyPrompts(served, request.prompts, 'prompt', signal);
  checkFit(served, prompts, request.maxTokens);
  checkTold(mostTokens(prompts, request), request.logprobs ?? 0, 'logprobs');
  const head = {
    id: `cmpl-${crypto.randomUUID()}`,
    object: 'text_completion',
    created: now(),
    model: served.name,
  };
  const answering = new Answering(served, request, prompts, signal);
  if (request.stream) {
    return eventStream(call, async (send) => {
      const usage = await answering.run((choice) => send({ ...head, choices: [choice] }));
      if (request.includeUsage) send({ ...head, choices: [], usage });
    });
  }
  const choices: Piece[] = [];
  const usage = await answering.run((piece) => {
    const before = choices[piece.index];
    choices[piece.index] = before === undefined ? piece : joined(before, piece);
  });
  return { ...head, choices, usage };
}

/** Refuses prompts that leave no room for what is to be written. */
function checkFit({ lm }: Served, prompts: readonly ServedPrompt[], maxTokens: number): void {
  for (const { tokens } of prompts) {
    // Nothing is decoded after the last token.
    if (tokens.length + Math.max(0, maxTokens - 1) <= lm.contextSize) continue;
    const asked = `The prompt of ${tokens.length} tokens and max_tokens of ${maxTokens}`;
    throw tooLong(`${asked} do not fit in the context of ${lm.contextSize}`, 'prompt');
  }
}

/** Most tokens that all answers together may tell of. */
function mostTokens(
  prompts: readonly ServedPrompt[],
  { echo, maxTokens, n }: CompletionsRequest,
): number {
  const echoed = echo ? prompts.reduce((sum, { tokens }) => sum + tokens.length, 0) : 0;
  return n * (echoed + prompts.length * maxTokens);
}

function joined(a: Piece, b: Piece): Piece {
  return {
    index: a.index,
    text: a.text + b.text,
    logprobs: a.logprobs && b.logprobs && joinedLists(a.logprobs, b.logprobs),
    finish_reason: b.finish_reason,
  };
}

/** Adds to the first of them: a copy for each token would be a square of them. */
function joinedLists(a: CompletionLogprobs, b: CompletionLogprobs): CompletionLogprobs {
  for (const key of Object.keys(a) as (keyof CompletionLogprobs)[]) {
    const [to, from]: [unknown[], unknown[]] = [a[key], b[key]];
    for (const item of from) to.push(item);
  }
  return a;
}

/** The answers to one request in the making. */
class Answering {
  readonly #served: Served;
  readonly #request: CompletionsRequest;
  readonly #prompts: readonly ServedPrompt[];
  readonly #signal: AbortSignal;
  readonly #lists: readonly LogprobLists[];
  readonly #spent = nothingSpent();

  constructor(
    served: Served,
    request: CompletionsRequest,
    prompts: readonly ServedPrompt[],
    signal: AbortSignal,
  ) {
    this.#served = served;
    this.#request = request;
    this.#prompts = prompts;
    this.#signal = signal;
    this.#lists = prompts.flatMap(() =>
      Array.from({ length: request.n }, () => new LogprobLists(served.names, request.naming)),
    );
  }

  /** Hands out the answers piece by piece; gives the cost of all. */
  async run(tell: Tell): Promise<UsageJson> {
    const { echo, logprobs, maxTokens } = this.#request;
    const promptTokens = this.#prompts.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const scored = echo && logprobs !== undefined ? await this.#scored(logprobs) : [];
    if (echo) for (const [index] of this.#lists.entries()) this.#echo(tell, index, scored);
    let written = 0;
    if (maxTokens === 0) {
      for (const [index] of this.#lists.entries()) tell(this.#end(index, '', 'length'));
    } else if (scored.some(({ next }) => next !== undefined)) {
      for (const [index] of this.#lists.entries()) {
        const { next } = scored[this.#promptOf(index)] as { next: Place };
        if (this.#next(tell, index, next)) written++;
      }
    } else {
      written = await this.#write(tell);
    }
    return usageOf(promptTokens, written, this.#spent);
  }

  #promptOf(index: number): number {
    return Math.floor(index / this.#request.n);
  }

  #scored(alternatives: number): Promise<ScoredPrompt[]> {
    const wanted = { alternatives, next: wantsLikeliest(this.#request), signal: this.#signal };
    return scorePrompts(this.#served, this.#prompts, wanted, this.#spent);
  }

  #echo(tell: Tell, index: number, scored: readonly ScoredPrompt[]): void {
    const { text, tokens, hidden, unwritten } = this.#prompts[
      this.#promptOf(index)
    ] as ServedPrompt;
    const places = scored[this.#promptOf(index)]?.places;
    const lists = this.#lists[index] as LogprobLists;
    if (places !== undefined) lists.addPrompt(tokens.subarray(hidden), places, text, unwritten);
    tell({ index, text, logprobs: this.#taken(index), finish_reason: null });
  }

  #taken(index: number): CompletionLogprobs | null {
    if (this.#request.logprobs === undefined) return null;
    return (this.#lists[index] as LogprobLists).take();
  }

  #end(index: number, text: string, reason: Piece['finish_reason']): Piece {
    return { index, text, logprobs: this.#taken(index), finish_reason: reason };
  }

  /** Tells the one token that was asked for, known from scoring; whether it is one that counts. */
  #next(tell: Tell, index: number, next: Place): boolean {
    const isEnd = this.#served.lm.endOfGeneration.includes(next.token);
    const bytes = isEnd ? new Uint8Array(0) : this.#served.names.written(next.token);
    (this.#lists[index] as LogprobLists).add(next.token, next, bytes);
    tell(this.#end(index, Buffer.from(bytes).toString(), isEnd ? 'stop' : 'length'));
    return !isEnd;
  }

  async #write(tell: Tell): Promise<number> {
    const { lm } = this.#served;
    const { n, maxTokens, logprobs, stream } = this.#request;
    const options = {
      ...completeOptions(this.#request),
      maxTokens,
      topLogprobs: logprobs ?? 0,
      signal: this.#signal,
    };
    const onChunk = (chunk: CompletionChunk, index: number): void => {
      this.#add(index, chunk);
      tell({ index, text: chunk.text, logprobs: this.#taken(index), finish_reason: null });
    };
    const prompts = this.#prompts.map(({ tokens }) => tokens);
    const done = await writeAll(lm, prompts, n, options, stream ? onChunk : undefined);
    spendOn(this.#spent, done);
    for (const [index, completion] of done.entries()) {
      if (!stream) this.#add(index, completion);
      if (completion.stopReason === 'eog') await this.#addEnd(index, completion);
      tell(this.#end(index, stream ? '' : completion.text, finishReason(completion)));
    }
    return done.reduce((sum, { tokens }) => sum + tokens.length, 0);
  }

  #add(index: number, piece: Pick<Completion, 'tokens' | 'logprobs' | 'alternatives'>): void {
    if (this.#request.logprobs === undefined) return;
    const lists = this.#lists[index] as LogprobLists;
    for (const place of placesOf(piece)) {
      lists.add(place.token, place, this.#served.names.written(place.token));
    }
  }

  /**
   * The token that ended a text is one of the answer's, as OpenAI has it: clients count on the last
   * entry being what was written after the prompt, even where that is nothing.
   */
  async #addEnd(index: number, { tokens }: Completion): Promise<void> {
    const { logprobs } = this.#request;
    if (logprobs === undefined) return;
    const { lm } = this.#served;
    const prompt = this.#prompts[this.#promptOf(index)] as ServedPrompt;
    const path = concatenate(prompt.tokens, tokens);
    const wanted = { alternatives: logprobs, signal: this.#signal };
    const place = await endAfter(lm, path, lm.endOfGeneration, wanted);
    (this.#lists[index] as LogprobLists).add(place.token, place, new Uint8Array(0));
  }
}
