// A server's `Api` in this process: whatever an LM says is likeliest, told as servers tell it, and
// no more than the likeliest. Quick enough for thousands of random questions.

import type { GreedyLM } from 'autocog-lm';
import { RemoteError } from '../../lib/common/errors.js';
import type { RemoteEngine } from '../../lib/openai/choose/remote-engine.js';
import type { Answer, Answers, Api, CompletionsBody } from '../../lib/openai/http/api.js';

/** How tokens are named: with ids, with bytes, or by texts alone as the legacy shape does. */
export type Naming = 'ids' | 'bytes' | 'texts';

/** What there is to tell. */
export interface Teller {
  lm: GreedyLM;
  /** The most of the likeliest tokens that it tells. */
  most: number;
  naming: Naming;
  textOf(token: number): string;
  bytesOf?(token: number): Uint8Array | undefined;
  biases?: boolean;
  /** Whether it writes the least likely token, and tells that, too. */
  isOdd?: boolean;
  chats?: boolean;
}

export class LMApi implements Api {
  readonly model = 'lm';
  /** What was asked and answered. */
  readonly bodies: CompletionsBody[] = [];
  /** How many prompts that were. */
  prompts = 0;
  readonly #teller: Teller;

  constructor(teller: Teller) {
    this.#teller = teller;
  }

  async completions(body: CompletionsBody, signal: AbortSignal | undefined): Promise<Answers> {
    signal?.throwIfAborted();
    const { most, biases = true, chats = false } = this.#teller;
    const { prompt, logprobs = 0, echo = false, logit_bias = {}, max_tokens, ...rest } = body;
    const isRefused = [
      chats,
      echo,
      typeof prompt === 'string',
      logprobs > most,
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
    const answers: Answer[] = [];
    for (const [index, tokens] of prompts.entries()) {
      answers.push(await this.#write(index, Int32Array.from(tokens), logprobs, logit_bias));
    }
    const promptTokens = prompts.reduce((sum, { length }) => sum + length, 0);
    return { answers, usage: { promptTokens, completionTokens: answers.length, cachedTokens: 0 } };
  }

  async chat(): Promise<Answers> {
    throw new RemoteError('Refused', { status: 404 });
  }

  async #write(
    index: number,
    tokens: Int32Array,
    logprobs: number,
    bias: Readonly<Record<string, number>>,
  ): Promise<Answer> {
    const { lm, naming, textOf, bytesOf = () => undefined } = this.#teller;
    const row = await lm.greedy(tokens);
    // Nothing is quite impossible for a model, so that a bias can lift all.
    const lifted = row.map((logprob, token) => Math.max(-60, logprob) + (bias[token] ?? 0));
    const order = [...row.keys()].sort((a, b) => (row[b] as number) - (row[a] as number));
    const isOdd = this.#teller.isOdd && Object.keys(bias).length === 0;
    const written = isOdd ? (order.at(-1) as number) : lifted.indexOf(Math.max(...lifted));
    const best = order.slice(0, logprobs);
    if (isOdd && !best.includes(written)) best.push(written);
    const name = (id: number) => {
      const logprob = Math.max(-9999, row[id] as number);
      return { id, token: textOf(id), logprob };
    };
    const inBytes = (token: number) => {
      return { ...name(token), id: undefined, bytes: [...(bytesOf(token) ?? [])] };
    };
    const told = {
      ids: { content: [{ ...name(written), top_logprobs: best.map(name) }] },
      bytes: { content: [{ ...inBytes(written), top_logprobs: best.map(inBytes) }] },
      texts: {
        tokens: [textOf(written)],
        token_logprobs: [row[written]],
        top_logprobs: [
          // Of several with one text, the likeliest.
          Object.fromEntries(best.reverse().map((id) => [textOf(id), name(id).logprob])),
        ],
      },
    };
    return {
      index,
      text: textOf(written),
      finishReason: lm.endOfGeneration.includes(written) ? 'stop' : 'length',
      // llama.cpp's server, which tells ids, is silent about a token that is half a character.
      logprobs:
        logprobs > 0 && !(naming === 'ids' && textOf(written).includes('\ufffd'))
          ? told[naming]
          : undefined,
    };
  }
}

/** The engine for choosing over such a server. */
export function engineOf(teller: Teller, more: Partial<RemoteEngine> = {}) {
  const { lm, textOf } = teller;
  // The probe has words of its own, of which a small vocabulary may know none.
  const tokenize = async (text: string, addSpecial = false): Promise<Int32Array> =>
    (await lm.tokenize(text, { addSpecial })).map((token) => Math.max(0, token));
  const prompt = (text: string) => tokenize(text, true);
  return {
    vocabularySize: lm.vocabularySize,
    contextSize: lm.contextSize,
    endOfGeneration: lm.endOfGeneration,
    beginToken: undefined,
    strategy: 'auto',
    topLogprobsLimit: undefined,
    tokenizer: {
      prompt: async (given) => (typeof given === 'string' ? prompt(given) : given),
      prompts: (texts) => Promise.all(texts.map(prompt)),
      texts: (texts) => Promise.all(texts.map((text) => tokenize(text))),
      textOf: (tokens, special) => lm.detokenize(tokens, { special }),
    },
    textOf: async (token) => textOf(token),
    bytesOf: async (token) => teller.bytesOf?.(token),
    admit: async (signal) => signal?.throwIfAborted(),
    ...more,
    api: new LMApi(teller),
  } satisfies RemoteEngine;
}
