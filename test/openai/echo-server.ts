// A server over an LM in this process that echoes prompts with their log-probabilities, in the
// format of OpenAI's legacy completions. It rejects what it does not support.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type LLaMa, logSoftmax } from 'autocog-lm';

/** What a server supports. */
export interface ServerAbilities {
  /** Whether it echoes, and whether it must then generate. Default `'alone'`. */
  echo?: false | 'alone' | 'written-to';
  /** Whether it accepts token ids. Default true. */
  tokenPrompts?: boolean;
  /** Whether it accepts several prompts. Default true. */
  promptLists?: boolean;
  /** Maximum number of top tokens that it reports; 0: it rejects `logprobs`. Default 5. */
  topLogprobs?: number;
  /** Whether it identifies tokens by ids on request; else it rejects the request. Default true. */
  tokenIds?: boolean;
  /** Whether it accepts biases. Default true. */
  logitBias?: boolean;
  /** What it omits: the last of several results, or the last echoed value of a long prompt. */
  forgets?: 'results' | 'values';
}

interface Body {
  prompt: string | number[] | string[] | number[][];
  max_tokens?: number;
  echo?: boolean;
  logprobs?: number;
  logit_bias?: Record<string, number>;
  return_tokens_as_token_ids?: boolean;
}

class Rejection extends Error {}

export class EchoServer implements AsyncDisposable {
  /** Number of completion requests, without rejected ones. */
  requests = 0;
  /** Number of prompts in these requests. */
  prompts = 0;
  readonly #lm: LLaMa;
  readonly #abilities: ServerAbilities;
  readonly #server: Server;

  private constructor(lm: LLaMa, abilities: ServerAbilities) {
    this.#lm = lm;
    this.#abilities = abilities;
    this.#server = createServer(async (request, response) => {
      let [status, answer]: [number, unknown] = [200, undefined];
      try {
        answer = await this.#respond(request.url ?? '', await readBody(request));
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        const code = (error as { code?: string }).code;
        const overflows = code === 'CONTEXT_OVERFLOW';
        status = error instanceof Rejection || overflows ? 400 : 503;
        answer = { error: { message, code: overflows ? 'context_length_exceeded' : null } };
      }
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer));
    });
  }

  static async start(lm: LLaMa, abilities: ServerAbilities = {}): Promise<EchoServer> {
    const server = new EchoServer(lm, abilities);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #respond(path: string, body: unknown): Promise<unknown> {
    if (path === '/tokenize') {
      const { content, add_special } = body as { content: string; add_special: boolean };
      return { tokens: [...(await this.#lm.tokenize(content, { addSpecial: add_special }))] };
    }
    if (path === '/detokenize') {
      const tokens = Int32Array.from((body as { tokens: number[] }).tokens);
      return { content: await this.#lm.detokenize(tokens, { special: true }) };
    }
    if (path === '/v1/completions') return this.#complete(body as Body);
    throw new Rejection(`There is no ${path}`);
  }

  async #complete(body: Body): Promise<unknown> {
    const { echo = 'alone', topLogprobs = 5, tokenIds = true, logitBias = true } = this.#abilities;
    const { max_tokens = 16, logprobs } = body;
    if (body.echo && !echo) throw new Rejection('No echo');
    if (max_tokens > 1) throw new Rejection('It generates one token');
    if (max_tokens < 1 && !(body.echo && echo === 'alone')) throw new Rejection('max_tokens');
    if (logprobs !== undefined && logprobs > topLogprobs) throw new Rejection('logprobs');
    if (body.return_tokens_as_token_ids && !tokenIds) throw new Rejection('unknown field');
    if (body.logit_bias && !logitBias) throw new Rejection('logit_bias');
    const prompts = await this.#promptsOf(body.prompt);
    this.requests++;
    this.prompts += prompts.length;
    const choices: object[] = [];
    for (const [index, tokens] of prompts.entries()) {
      choices.push({ index, ...(await this.#generate(tokens, body)) });
    }
    if (this.#abilities.forgets === 'results' && choices.length > 2) choices.pop();
    const count = prompts.reduce((sum, { length }) => sum + length, 0);
    return { choices, usage: { prompt_tokens: count, completion_tokens: max_tokens } };
  }

  async #promptsOf(prompt: Body['prompt']): Promise<Int32Array[]> {
    const { tokenPrompts = true, promptLists = true } = this.#abilities;
    const isList = Array.isArray(prompt) && typeof prompt[0] !== 'number';
    if (isList && !promptLists) throw new Rejection('One prompt at a time');
    const prompts = (isList ? prompt : [prompt]) as (string | number[])[];
    return Promise.all(
      prompts.map(async (one) => {
        if (typeof one === 'string') return this.#lm.tokenize(one, { addSpecial: true });
        if (!tokenPrompts) throw new Rejection('Text only');
        return Int32Array.from(one);
      }),
    );
  }

  async #generate(prompt: Int32Array, body: Body): Promise<object> {
    const { max_tokens = 16, echo = false, logprobs, logit_bias = {} } = body;
    const { logits, rows } = await this.#lm.eval(prompt, { logits: 'all' });
    const size = logits.length / rows;
    const distributions = Array.from({ length: rows }, (_, row) =>
      logSoftmax(logits.subarray(row * size, (row + 1) * size)),
    );
    const last = (distributions.at(-1) as Float32Array).slice();
    for (const [token, bias] of Object.entries(logit_bias)) {
      last[+token] = (last[+token] as number) + bias;
    }
    const generated = max_tokens === 0 ? [] : [last.indexOf(Math.max(...last))];
    const reported = [...(echo ? prompt : []), ...generated];
    const textOf = (token: number): string =>
      this.#lm.model.detokenizeSync(Int32Array.of(token), { special: true });
    const nameOf = (token: number): string =>
      body.return_tokens_as_token_ids ? `token_id:${token}` : textOf(token);
    const before = (position: number): Float32Array | undefined =>
      echo ? distributions[position - 1] : distributions.at(-1);
    const valueAt = (token: number, position: number): number | null => {
      if (this.#abilities.forgets === 'values' && position > 9 && position === prompt.length - 1)
        return null;
      return before(position)?.[token] ?? null;
    };
    const topAt = (position: number): object | null => {
      const row = before(position);
      if (row === undefined) return null;
      const best = [...row.keys()].sort((a, b) => (row[b] as number) - (row[a] as number));
      const entries = best.slice(0, logprobs).map((token) => [nameOf(token), row[token]]);
      return Object.fromEntries(entries.reverse());
    };
    return {
      text: reported.map(textOf).join(''),
      finish_reason: 'length',
      logprobs: logprobs !== undefined && {
        tokens: reported.map(nameOf),
        token_logprobs: reported.map(valueAt),
        top_logprobs: reported.map((_, position) => topAt(position)),
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  return JSON.parse(text);
}
