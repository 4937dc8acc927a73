// Sends many prompts to a server, batched into few requests of which a few run concurrently, and
// adds up their costs. The strategies use it.

import { NotSupportedError, RemoteError } from '../../common/errors.js';
import { type Cost, noCost } from '../../common/usage.js';
import type { Answer, Answers, CompletionsBody } from '../http/api.js';
import { inParallel } from '../http/parallel.js';
import type { ServerFeatures } from './probe.js';
import type { RemoteEngine } from './remote-engine.js';

/** Maximum number of concurrent requests. */
const width = 4;
/** Limits of one request: prompts, prompt tokens, and log-probabilities in the response. */
const mostPrompts = 128;
const mostTokens = 32_768;
const mostTold = 100_000;

/** The request fields that apply to each prompt. */
export type Ask = Pick<
  CompletionsBody,
  'max_tokens' | 'temperature' | 'logprobs' | 'echo' | 'logit_bias'
>;

/** How to send the prompts of one call. */
export interface Manner {
  /** One prompt per request, one request at a time. */
  sequential: boolean;
  /** Whether a server that takes only text must have tokenized it into exactly the given tokens. */
  exact: boolean;
}

/** The requests of one call. */
export class Requests {
  /** The total cost so far; `decodeCalls` counts requests. */
  readonly cost: Cost = noCost();
  readonly signal: AbortSignal | undefined;
  readonly #engine: Pick<RemoteEngine, 'api' | 'tokenizer'>;
  readonly #features: Pick<ServerFeatures, 'tokenPrompts' | 'promptLists' | 'tokenIds'>;

  constructor(
    engine: Pick<RemoteEngine, 'api' | 'tokenizer'>,
    features: Pick<ServerFeatures, 'tokenPrompts' | 'promptLists' | 'tokenIds'>,
    signal: AbortSignal | undefined,
  ) {
    this.#engine = engine;
    this.#features = features;
    this.signal = signal;
  }

  /** Sends all prompts, and passes each result to `read` as soon as its response arrives. */
  async complete(
    prompts: readonly Int32Array[],
    ask: Ask,
    manner: Manner,
    read: (answer: Answer, index: number) => void | Promise<void>,
  ): Promise<void> {
    const batches = this.#batchesOf(prompts, ask, manner);
    const body = this.#features.tokenIds ? { ...ask, return_tokens_as_token_ids: true } : ask;
    const most = manner.sequential ? 1 : width;
    const start = performance.now();
    await inParallel(batches, most, this.signal, async (batch, signal) => {
      const some = batch.map((index) => prompts[index] as Int32Array);
      const found = await this.#completeSome(some, body, manner, signal);
      for (const [place, index] of batch.entries()) await read(found[place] as Answer, index);
    });
    this.cost.timings.decodeMs += performance.now() - start;
  }

  /** The result for one prompt. */
  async completeOne(prompt: Int32Array, ask: Ask, manner: Manner): Promise<Answer> {
    const answers: Answer[] = [];
    await this.complete([prompt], ask, manner, (answer) => {
      answers.push(answer);
    });
    return answers[0] as Answer;
  }

  /** The reply of a chat to one message. */
  async chat(content: string, question: Readonly<Record<string, unknown>>): Promise<Answer> {
    const messages = [{ role: 'user', content }];
    const start = performance.now();
    const found = await this.#engine.api.chat({ messages, ...question }, this.signal);
    this.#count(found, 0, 0);
    this.cost.timings.decodeMs += performance.now() - start;
    return checkAnswers(found, 1)[0] as Answer;
  }

  async #completeSome(
    prompts: readonly Int32Array[],
    body: Ask,
    { exact }: Manner,
    signal: AbortSignal,
  ): Promise<Answer[]> {
    const { api, tokenizer } = this.#engine;
    const [first] = prompts as [Int32Array];
    let prompt: CompletionsBody['prompt'];
    if (!this.#features.tokenPrompts) prompt = await tokenizer.textOf(first, false);
    else if (prompts.length === 1) prompt = Array.from(first);
    else prompt = prompts.map((tokens) => Array.from(tokens));
    const found = await api.completions({ ...body, prompt }, signal);
    // Some servers report the count of only one of several prompts.
    const sent = this.#features.tokenPrompts
      ? prompts.reduce((sum, { length }) => sum + length, 0)
      : 0;
    this.#count(found, sent, body.max_tokens === 0 ? 0 : prompts.length);
    if (exact && !this.#features.tokenPrompts) checkTokens(found.usage.promptTokens, first);
    return checkAnswers(found, prompts.length);
  }

  /**
   * Adds a request's cost: the reported counts, but no less than was certainly sent and generated.
   */
  #count({ usage: said }: Answers, sent: number, written: number): void {
    const { usage } = this.cost;
    const promptTokens = Math.max(said.promptTokens, sent);
    usage.decodeCalls++;
    usage.cachedTokens += said.cachedTokens;
    usage.decodedTokens += Math.max(0, promptTokens - said.cachedTokens);
    usage.decodedTokens += Math.max(said.completionTokens, written);
  }

  #batchesOf(
    prompts: readonly Int32Array[],
    { logprobs = 1 }: Ask,
    { sequential }: Manner,
  ): number[][] {
    const { tokenPrompts, promptLists } = this.#features;
    const some = Math.max(1, Math.min(mostPrompts, Math.floor(mostTold / logprobs)));
    const most = tokenPrompts && promptLists && !sequential ? some : 1;
    const batches: number[][] = [];
    let tokens = 0;
    for (const [index, { length }] of prompts.entries()) {
      const last = batches.at(-1);
      tokens += length;
      if (last === undefined || last.length === most || tokens > mostTokens) {
        batches.push([index]);
        tokens = length;
      } else last.push(index);
    }
    return batches;
  }
}

/** Throws unless there is one result per prompt. */
function checkAnswers({ answers }: Answers, count: number): Answer[] {
  if (answers.length === count) return answers;
  throw new RemoteError(`The server gave ${answers.length} answers to ${count} prompts`);
}

/**
 * For a prompt sent as text, only the reported token count can confirm that the server tokenized it
 * as expected.
 */
function checkTokens(found: number, prompt: Int32Array): void {
  if (found === prompt.length) return;
  const count = found === 0 ? 'does not say how many it reads' : `reads ${found}`;
  throw new NotSupportedError(
    `The server takes no token ids, and of a text of ${prompt.length} tokens it ${count}`,
  );
}
