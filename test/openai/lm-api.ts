// A server's `Api` in this process, over an LM: reports only the top tokens, in a server's formats.
// Fast enough for thousands of random questions.

import type { GreedyLM } from 'autocog-lm';
import { RemoteError } from '../../lib/common/errors.js';
import type { RemoteEngine } from '../../lib/openai/choose/remote-engine.js';
import type { Api, ApiResponse, ApiResult, CompletionsBody } from '../../lib/openai/http/api.js';

/** How tokens are identified: by ids, by bytes, or by text alone as in the legacy format. */
export type Naming = 'ids' | 'bytes' | 'texts';

/** What the server supports and reports. */
export interface LMApiOptions {
  lm: GreedyLM;
  /** Maximum number of top tokens that it reports. */
  maxTop: number;
  naming: Naming;
  textOf(token: number): string;
  bytesOf?(token: number): Uint8Array | undefined;
  biases?: boolean;
  /** Whether it generates the least likely token and reports it in addition to the top ones. */
  generatesLeastLikely?: boolean;
  chats?: boolean;
}

export class LMApi implements Api {
  readonly model = 'lm';
  /** The bodies of all accepted requests. */
  readonly bodies: CompletionsBody[] = [];
  /** Number of prompts in these requests. */
  prompts = 0;
  readonly #options: LMApiOptions;

  constructor(serverOptions: LMApiOptions) {
    this.#options = serverOptions;
  }

  async completions(body: CompletionsBody, signal: AbortSignal | undefined): Promise<ApiResponse> {
    signal?.throwIfAborted();
    const { maxTop, biases = true, chats = false } = this.#options;
    const { prompt, logprobs = 0, echo = false, logit_bias = {}, max_tokens, ...rest } = body;
    const isRefused = [
      chats,
      echo,
      typeof prompt === 'string',
      logprobs > maxTop,
      !biases && body.logit_bias !== undefined,
      max_tokens !== 1,
      'return_tokens_as_token_ids' in rest,
      Object.keys(logit_bias).length > 300,
    ];
    if (isRefused.includes(true)) throw new RemoteError('Refused', { status: 400 });
    const isList = typeof prompt[0] !== 'number';
    const prompts = (isList ? prompt : [prompt]) as readonly (readonly number[])[];
    this.bodies.push(body);
    this.prompts += prompts.length;
    const results: ApiResult[] = [];
    for (const [index, tokens] of prompts.entries()) {
      results.push(await this.#generate(index, Int32Array.from(tokens), logprobs, logit_bias));
    }
    const promptTokens = prompts.reduce((sum, { length }) => sum + length, 0);
    return { results, usage: { promptTokens, completionTokens: results.length, cachedTokens: 0 } };
  }

  async chat(): Promise<ApiResponse> {
    throw new RemoteError('Refused', { status: 404 });
  }

  async #generate(
    index: number,
    tokens: Int32Array,
    logprobs: number,
    bias: Readonly<Record<string, number>>,
  ): Promise<ApiResult> {
    const { lm, naming, textOf, bytesOf = () => undefined } = this.#options;
    const row = await lm.greedy(tokens);
    // No token is quite impossible for a real model, so a bias can raise any.
    const lifted = row.map((logprob, token) => Math.max(-60, logprob) + (bias[token] ?? 0));
    const order = [...row.keys()].sort((a, b) => (row[b] as number) - (row[a] as number));
    const generatesLeastLikely =
      this.#options.generatesLeastLikely && Object.keys(bias).length === 0;
    const generated = generatesLeastLikely
      ? (order.at(-1) as number)
      : lifted.indexOf(Math.max(...lifted));
    const best = order.slice(0, logprobs);
    if (generatesLeastLikely && !best.includes(generated)) best.push(generated);
    const name = (id: number) => {
      const logprob = Math.max(-9999, row[id] as number);
      return { id, token: textOf(id), logprob };
    };
    const byBytes = (token: number) => {
      return { ...name(token), id: undefined, bytes: [...(bytesOf(token) ?? [])] };
    };
    const reported = {
      ids: { content: [{ ...name(generated), top_logprobs: best.map(name) }] },
      bytes: { content: [{ ...byBytes(generated), top_logprobs: best.map(byBytes) }] },
      texts: {
        tokens: [textOf(generated)],
        token_logprobs: [row[generated]],
        top_logprobs: [
          // Of several tokens with the same text, the most likely one wins.
          Object.fromEntries(best.reverse().map((id) => [textOf(id), name(id).logprob])),
        ],
      },
    };
    return {
      index,
      text: textOf(generated),
      finishReason: lm.endOfGeneration.includes(generated) ? 'stop' : 'length',
      // llama.cpp's server, which reports ids, omits the logprobs of a token that ends in
      // mid-character.
      logprobs:
        logprobs > 0 && !(naming === 'ids' && textOf(generated).includes('\ufffd'))
          ? reported[naming]
          : undefined,
    };
  }
}

/** The engine for choosing over such a server. */
export function engineOf(serverOptions: LMApiOptions, more: Partial<RemoteEngine> = {}) {
  const { lm, textOf } = serverOptions;
  // The probe has texts of its own, which may be out of a small vocabulary.
  const tokenize = async (text: string, addSpecial = false): Promise<Int32Array> =>
    (await lm.tokenize(text, { addSpecial })).map((token) => Math.max(0, token));
  const prompt = (text: string) => tokenize(text, true);
  const tokenizer: RemoteEngine['tokenizer'] = {
    prompt: async (given) => (typeof given === 'string' ? prompt(given) : given),
    prompts: (texts) => Promise.all(texts.map(prompt)),
    texts: (texts) => Promise.all(texts.map((text) => tokenize(text))),
    textOf: (tokens, special) => lm.detokenize(tokens, { special }),
  };
  return {
    vocabularySize: lm.vocabularySize,
    contextSize: lm.contextSize,
    endOfGeneration: lm.endOfGeneration,
    beginToken: undefined,
    strategy: 'auto',
    topLogprobsLimit: undefined,
    tokenizer,
    tokenizerFor: () => tokenizer,
    textOf: async (token) => textOf(token),
    bytesOf: async (token) => serverOptions.bytesOf?.(token),
    admit: async (signal) => signal?.throwIfAborted(),
    ...more,
    api: new LMApi(serverOptions),
  } satisfies RemoteEngine;
}
