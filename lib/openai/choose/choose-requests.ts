// Sends many prompts to a server, batched into few requests of which a few run concurrently, and
// adds up their costs. The strategies use it.

import { NotSupportedError, RemoteError } from '../../common/errors.js';
import { forEachConcurrently } from '../../common/parallel.js';
import { type Cost, noCost } from '../../common/usage.js';
import type { ApiResponse, ApiResult, CompletionsBody } from '../http/api.js';
import type { ServerFeatures } from './probe.js';
import type { RemoteEngine } from './remote-engine.js';

/** Maximum number of concurrent requests. */
const maxConcurrentRequests = 4;
/** Limits of one request: prompts, prompt tokens, and log-probabilities in the response. */
const maxPrompts = 128;
const maxPromptTokens = 32_768;
const maxLogprobs = 100_000;

/** The request fields that apply to each prompt. */
export type PromptFields = Pick<
  CompletionsBody,
  'max_tokens' | 'temperature' | 'logprobs' | 'echo' | 'logit_bias'
>;

/** How to send the prompts of one call. */
export interface SendOptions {
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
    fields: PromptFields,
    options: SendOptions,
    read: (result: ApiResult, index: number) => void | Promise<void>,
  ): Promise<void> {
    const batches = this.#batchesOf(prompts, fields, options);
    const body = this.#features.tokenIds ? { ...fields, return_tokens_as_token_ids: true } : fields;
    const concurrency = options.sequential ? 1 : maxConcurrentRequests;
    const start = performance.now();
    await forEachConcurrently(batches, concurrency, this.signal, async (batch, signal) => {
      const batchPrompts = batch.map((index) => prompts[index] as Int32Array);
      const response = await this.#completeBatch(batchPrompts, body, options, signal);
      for (const [position, index] of batch.entries())
        await read(response[position] as ApiResult, index);
    });
    this.cost.timings.decodeMs += performance.now() - start;
  }

  /** The result for one prompt. */
  async completeOne(
    prompt: Int32Array,
    fields: PromptFields,
    options: SendOptions,
  ): Promise<ApiResult> {
    const results: ApiResult[] = [];
    await this.complete([prompt], fields, options, (result) => {
      results.push(result);
    });
    return results[0] as ApiResult;
  }

  /** The reply of a chat to one message. */
  async chat(content: string, fields: Readonly<Record<string, unknown>>): Promise<ApiResult> {
    const messages = [{ role: 'user', content }];
    const start = performance.now();
    const response = await this.#engine.api.chat({ messages, ...fields }, this.signal);
    this.#count(response, 0, 0);
    this.cost.timings.decodeMs += performance.now() - start;
    return checkResults(response, 1)[0] as ApiResult;
  }

  async #completeBatch(
    prompts: readonly Int32Array[],
    body: PromptFields,
    { exact }: SendOptions,
    signal: AbortSignal,
  ): Promise<ApiResult[]> {
    const { api, tokenizer } = this.#engine;
    const [first] = prompts as [Int32Array];
    let prompt: CompletionsBody['prompt'];
    if (!this.#features.tokenPrompts) prompt = await tokenizer.textOf(first, false);
    else if (prompts.length === 1) prompt = Array.from(first);
    else prompt = prompts.map((tokens) => Array.from(tokens));
    const response = await api.completions({ ...body, prompt }, signal);
    // Some servers report the count of only one of several prompts.
    const sent = this.#features.tokenPrompts
      ? prompts.reduce((sum, { length }) => sum + length, 0)
      : 0;
    this.#count(response, sent, body.max_tokens === 0 ? 0 : prompts.length);
    if (exact && !this.#features.tokenPrompts) checkTokens(response.usage.promptTokens, first);
    return checkResults(response, prompts.length);
  }

  /**
   * Adds a request's cost: the reported counts, but no less than was certainly sent and generated.
   */
  #count({ usage: reported }: ApiResponse, sent: number, generated: number): void {
    const { usage } = this.cost;
    const promptTokens = Math.max(reported.promptTokens, sent);
    usage.decodeCalls++;
    usage.cachedTokens += reported.cachedTokens;
    usage.decodedTokens += Math.max(0, promptTokens - reported.cachedTokens);
    usage.decodedTokens += Math.max(reported.completionTokens, generated);
  }

  #batchesOf(
    prompts: readonly Int32Array[],
    { logprobs = 1 }: PromptFields,
    { sequential }: SendOptions,
  ): number[][] {
    const { tokenPrompts, promptLists } = this.#features;
    const limit = Math.max(1, Math.min(maxPrompts, Math.floor(maxLogprobs / logprobs)));
    const maxPerBatch = tokenPrompts && promptLists && !sequential ? limit : 1;
    const batches: number[][] = [];
    let tokens = 0;
    for (const [index, { length }] of prompts.entries()) {
      const last = batches.at(-1);
      tokens += length;
      if (last === undefined || last.length === maxPerBatch || tokens > maxPromptTokens) {
        batches.push([index]);
        tokens = length;
      } else last.push(index);
    }
    return batches;
  }
}

/** Throws unless there is one result per prompt. */
function checkResults({ results }: ApiResponse, count: number): ApiResult[] {
  if (results.length === count) return results;
  throw new RemoteError(`The server returned ${results.length} results for ${count} prompts`);
}

/**
 * For a prompt sent as text, only the reported token count can confirm that the server tokenized it
 * as expected.
 */
function checkTokens(reported: number, prompt: Int32Array): void {
  if (reported === prompt.length) return;
  const count = reported === 0 ? 'an unknown number of' : `${reported}`;
  throw new NotSupportedError(
    `The server accepts no token ids, and it reads ${count} tokens in a text of ${prompt.length} tokens`,
  );
}
