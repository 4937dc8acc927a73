// An `Api` over plain `fetch`, and an engine for RemoteChooser over it, for tests of choosing that
// are not about retries and transport.

import { ContextOverflowError, RemoteError } from '../../lib/common/errors.js';
import type { RemoteEngine } from '../../lib/openai/choose/remote-engine.js';
import type {
  Api,
  ApiResponse,
  ApiResult,
  ChatBody,
  CompletionsBody,
} from '../../lib/openai/http/api.js';

interface WireChoice {
  index: number;
  text?: string;
  message?: { content?: string | null };
  finish_reason?: string | null;
  logprobs?: unknown;
}

interface WireAnswers {
  choices: WireChoice[];
  usage?: {
    prompt_tokens?: number;
    completion_tokens?: number;
    prompt_tokens_details?: { cached_tokens?: number };
  };
}

/** Posts JSON. Throws what `Api` promises. */
export async function post(url: string, body: object, signal?: AbortSignal): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
      signal: signal ?? null,
    });
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw new RemoteError(`No answer from ${url}`, { cause });
  }
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  if (/context.size|context_length/.test(text)) throw new ContextOverflowError(text);
  throw new RemoteError(`${url} gave ${response.status}: ${text}`, { status: response.status });
}

/** Records its requests. */
export class FetchApi implements Api {
  readonly model = 'model';
  /** Every body sent to `/completions` and `/chat/completions`. */
  readonly sent: (CompletionsBody | ChatBody)[] = [];
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  completions(body: CompletionsBody, signal: AbortSignal | undefined): Promise<ApiResponse> {
    return this.#ask('/v1/completions', body, signal);
  }

  chat(body: ChatBody, signal: AbortSignal | undefined): Promise<ApiResponse> {
    return this.#ask('/v1/chat/completions', body, signal);
  }

  async #ask(
    path: string,
    body: CompletionsBody | ChatBody,
    signal: AbortSignal | undefined,
  ): Promise<ApiResponse> {
    this.sent.push(body);
    const whole = { model: this.model, ...body };
    const { choices, usage } = (await post(this.#address + path, whole, signal)) as WireAnswers;
    const results = choices.map((choice): ApiResult => {
      return {
        index: choice.index,
        text: choice.text ?? choice.message?.content ?? '',
        finishReason: choice.finish_reason ?? undefined,
        logprobs: choice.logprobs,
      };
    });
    return {
      results,
      usage: {
        promptTokens: usage?.prompt_tokens ?? 0,
        completionTokens: usage?.completion_tokens ?? 0,
        cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
      },
    };
  }
}

/** An engine over a server that has `/tokenize` and `/detokenize` like those of llama.cpp. */
export function engineOver(
  address: string,
  more: Partial<RemoteEngine> = {},
): RemoteEngine & { api: FetchApi } {
  const tokenize = async (content: string, add_special: boolean): Promise<Int32Array> => {
    const body = { content, add_special, parse_special: false };
    const { tokens } = (await post(`${address}/tokenize`, body)) as { tokens: number[] };
    return Int32Array.from(tokens);
  };
  const detokenize = async (tokens: Int32Array): Promise<string> => {
    const body = { tokens: Array.from(tokens) };
    return ((await post(`${address}/detokenize`, body)) as { content: string }).content;
  };
  const texts = new Map<number, Promise<string>>();
  const textOf = (token: number): Promise<string> => {
    const known = texts.get(token) ?? detokenize(Int32Array.of(token));
    texts.set(token, known);
    return known;
  };
  const isControl = (text: string): boolean => /^<\|.*\|>$/.test(text);
  const tokenizer: RemoteEngine['tokenizer'] = {
    prompt: async (prompt) => (typeof prompt === 'string' ? tokenize(prompt, true) : prompt),
    prompts: (all) => Promise.all(all.map((text) => tokenize(text, true))),
    texts: (all) => Promise.all(all.map((text) => tokenize(text, false))),
    textOf: async (tokens, special) => {
      if (special) return detokenize(tokens);
      const names = await Promise.all(Array.from(tokens, textOf));
      return detokenize(tokens.filter((_, index) => !isControl(names[index] as string)));
    },
  };
  return {
    vocabularySize: undefined,
    contextSize: undefined,
    endOfGeneration: new Int32Array(0),
    beginToken: undefined,
    strategy: 'auto',
    topLogprobsLimit: undefined,
    tokenizer,
    tokenizerFor: () => tokenizer,
    textOf,
    bytesOf: async () => undefined,
    admit: async (signal) => signal?.throwIfAborted(),
    ...more,
    api: new FetchApi(address),
  };
}
