// The options of the class OpenAI, and their reading. `openai.ts` takes them; `client.ts` and
// `choose.ts` get their parts.

import {
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptions,
  checkString,
  checkTokens,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import {
  type CompletionDefaults,
  readCompletionDefaults,
  readMaxTokens,
} from '../generation/completion-options.js';
import { type StrategyOption, strategyOptions } from './choose/remote-engine.js';
import type { OpenAIClient } from './http/exchange.js';
import { type EncodingName, encodingNames } from './tokenizer/encodings.js';

const apis = ['auto', 'completions', 'chat'] as const;
const tokenizers = ['auto', 'server', 'tiktoken'] as const;

/** Which of a server's two ways of writing is used. */
export type ApiKind = (typeof apis)[number];

/** A tokenizer of the caller's own. Both may give promises. */
export interface TextTokenizer {
  tokenize(
    text: string,
    options: { addSpecial: boolean; parseSpecial: boolean },
  ): ArrayLike<number> | Promise<ArrayLike<number>>;
  detokenize(tokens: Int32Array, options: { special: boolean }): string | Promise<string>;
}

/** Options of {@link OpenAI}. */
export interface OpenAIOptions {
  /** The model's name, as the server knows it. */
  model: string;
  /** The server, with its `/v1`. Default: `OPENAI_BASE_URL` of the environment, or OpenAI's. */
  baseURL?: string | undefined;
  /** Default: `OPENAI_API_KEY` of the environment. Only OpenAI's own server must have one. */
  apiKey?: string | undefined;
  /** A client of the package `openai`, instead of `baseURL` and `apiKey`. It stays the caller's. */
  client?: OpenAIClient | undefined;
  /** HTTP headers of every request; null takes one of the client's away. Default none. */
  headers?: Readonly<Record<string, string | null>> | undefined;
  /**
   * `'completions'`: what is written goes on from the prompt. `'chat'`: the prompt is a user's
   * message, and what is written the answer to it. `'auto'` (default): completions where the
   * server and the model have them, else chat; found out at the first call.
   */
  api?: ApiKind | undefined;
  /** The first message of every chat. Default none. */
  systemPrompt?: string | undefined;
  /** Short for `completion.maxTokens`. */
  maxTokens?: number | undefined;
  /** That of completions whose sampler says nothing of it. Default 0: the likeliest token. */
  temperature?: number | undefined;
  /** Defaults of `complete`. */
  completion?: CompletionDefaults | undefined;
  /** How often a request is tried in all. Default 5. */
  retries?: number | undefined;
  /** Milliseconds to wait after the first failure. Default 1000; 60,000 is the longest wait. */
  delta?: number | undefined;
  /** What each later wait is multiplied by. Default 2. */
  growth?: number | undefined;
  /** Milliseconds that a server may be silent, before its answer and in it. Default 60,000. */
  timeout?: number | undefined;
  /** The encoding of js-tiktoken that the model has. Default: by the model's name. */
  encoding?: EncodingName | undefined;
  /**
   * Whose tokens: `'server'`, those of the server's `/tokenize`, as llama.cpp and vLLM have it;
   * `'tiktoken'`, those of js-tiktoken; or a tokenizer of the caller's. `'auto'` (default): with
   * `encoding` and on OpenAI's own server js-tiktoken's, elsewhere the server's where it has
   * them, else js-tiktoken's by the model's name.
   */
  tokenizer?: (typeof tokenizers)[number] | TextTokenizer | undefined;
  /** The tokens that end a text. Default: js-tiktoken's `<|endoftext|>` where it is used, else none. */
  endOfGeneration?: readonly number[] | Int32Array | undefined;
  /** The token that stands where nothing is before a text. Default none. */
  beginToken?: number | undefined;
  /** How many tokens prompt and text may have. Default: what the server's tokenizer tells, if it does. */
  contextSize?: number | undefined;
  /** Fields of every request for a text that the API has no word for here. Default none. */
  extraBody?: Readonly<Record<string, unknown>> | undefined;
  /** How `choose` asks. Default `'auto'`: the best that the server can do. */
  strategy?: StrategyOption | undefined;
  /** How many likeliest tokens to ask for at most. Default: what the server gives. */
  topLogprobsLimit?: number | undefined;
}

const names = [
  'model',
  'baseURL',
  'apiKey',
  'client',
  'headers',
  'api',
  'systemPrompt',
  'maxTokens',
  'temperature',
  'completion',
  'retries',
  'delta',
  'growth',
  'timeout',
  'encoding',
  'tokenizer',
  'endOfGeneration',
  'beginToken',
  'contextSize',
  'extraBody',
  'strategy',
  'topLogprobsLimit',
] as const satisfies (keyof OpenAIOptions)[];

/** What this package says itself in a request. */
const reserved = new Set([
  ...['model', 'prompt', 'messages', 'stream', 'stream_options', 'n', 'stop', 'echo'],
  ...['max_tokens', 'max_completion_tokens', 'temperature', 'logprobs', 'top_logprobs'],
  'logit_bias',
]);

/** Checks the options; throws TypeError or RangeError. */
export function readOpenAIOptions(value: OpenAIOptions) {
  const given = checkOptions(value as OpenAIOptions | undefined, 'options', names);
  const model = checkString(given.model, 'model');
  if (model === '') throw wrongRange('the name of a model', 'model', model);
  const maybe = <T, R>(item: T | undefined, read: (item: T) => R): R | undefined =>
    item === undefined ? undefined : read(item);
  return {
    model,
    connection: readConnection(given),
    headers: readHeaders(given.headers ?? {}),
    api: checkOneOf(given.api ?? 'auto', 'api', apis),
    systemPrompt: maybe(given.systemPrompt, (text) => checkString(text, 'systemPrompt')),
    temperature: maybe(given.temperature, (value) => checkNumber(value, 'temperature', 0)),
    completion: readCompletion(given),
    policy: {
      retries: checkInteger(given.retries ?? 5, 'retries', 1),
      delta: checkNumber(given.delta ?? 1000, 'delta', 0),
      growth: checkNumber(given.growth ?? 2, 'growth', 0),
    },
    timeout: checkInteger(given.timeout ?? 60_000, 'timeout', 1),
    encoding: maybe(given.encoding, (name) => checkOneOf(name, 'encoding', encodingNames)),
    tokenizer: readTokenizer(given),
    endOfGeneration: maybe(given.endOfGeneration, readEnds),
    beginToken: maybe(given.beginToken, (token) => checkInteger(token, 'beginToken', 0)),
    contextSize: maybe(given.contextSize, (size) => checkInteger(size, 'contextSize', 1)),
    extraBody: readExtraBody(given.extraBody ?? {}),
    strategy: checkOneOf(given.strategy ?? 'auto', 'strategy', strategyOptions),
    topLogprobsLimit: maybe(given.topLogprobsLimit, (limit) =>
      checkInteger(limit, 'topLogprobsLimit', 1),
    ),
  };
}

/** The options, checked. */
export type OpenAISettings = ReturnType<typeof readOpenAIOptions>;

function readConnection({ client, baseURL, apiKey }: Partial<OpenAIOptions>) {
  if (client === undefined) {
    if (baseURL !== undefined) checkAddress(checkString(baseURL, 'baseURL'));
    if (apiKey !== undefined && checkString(apiKey, 'apiKey') === '') {
      throw wrongRange('a key', 'apiKey', apiKey);
    }
    return { baseURL, apiKey };
  }
  for (const [name, value] of Object.entries({ baseURL, apiKey })) {
    if (value !== undefined) throw wrongType(`nothing beside a client`, name, '(not shown)');
  }
  const { post, baseURL: address } = (client ?? {}) as Partial<OpenAIClient>;
  if (typeof post !== 'function' || typeof address !== 'string') {
    throw wrongType('a client of the package openai', 'client', client);
  }
  return { client };
}

function checkAddress(baseURL: string): void {
  const { protocol } = URL.canParse(baseURL) ? new URL(baseURL) : { protocol: '' };
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw wrongRange('an http or https address', 'baseURL', baseURL);
  }
}

function readHeaders(value: unknown): Readonly<Record<string, string | null>> {
  const entries = entriesOf(value, 'headers').map(([name, text]): [string, string | null] => [
    name,
    text === null ? null : checkString(text, `headers.${name}`),
  ]);
  try {
    for (const [name, text] of entries) new Headers({ [name]: text ?? '' });
  } catch (cause) {
    throw Object.assign(wrongRange('names and values of HTTP headers', 'headers', value), {
      cause,
    });
  }
  return Object.freeze(Object.fromEntries(entries));
}

function readCompletion({ completion, maxTokens }: Partial<OpenAIOptions>) {
  const read = readCompletionDefaults(completion);
  // How it was written matters: settings that were not named are the server's to decide.
  const sampler = completion?.sampler;
  if (maxTokens === undefined) return { defaults: read, sampler };
  if (read.maxTokens !== undefined) {
    throw wrongType('nothing beside completion.maxTokens', 'maxTokens', maxTokens);
  }
  return { defaults: { ...read, maxTokens: readMaxTokens(maxTokens, 'maxTokens') }, sampler };
}

function readTokenizer({ tokenizer, encoding }: Partial<OpenAIOptions>) {
  if (typeof tokenizer === 'object' && tokenizer !== null) {
    if (typeof tokenizer.tokenize !== 'function' || typeof tokenizer.detokenize !== 'function') {
      throw wrongType('an object with tokenize and detokenize', 'tokenizer', tokenizer);
    }
  } else if (tokenizer !== undefined) checkOneOf(tokenizer, 'tokenizer', tokenizers);
  if (encoding !== undefined && tokenizer !== undefined && typeof tokenizer !== 'string') {
    throw wrongType('nothing beside a tokenizer', 'encoding', encoding);
  }
  if (encoding !== undefined && tokenizer === 'server') {
    throw wrongType("nothing beside tokenizer 'server'", 'encoding', encoding);
  }
  return tokenizer ?? 'auto';
}

function readEnds(value: readonly number[] | Int32Array): Int32Array {
  if (!Array.isArray(value)) return checkTokens(value, 'endOfGeneration').slice();
  return Int32Array.from(value, (token, index) =>
    checkInteger(token, `endOfGeneration[${index}]`, 0),
  );
}

function readExtraBody(value: unknown): Readonly<Record<string, unknown>> {
  for (const [name] of entriesOf(value, 'extraBody')) {
    if (reserved.has(name)) throw wrongRange('no field of our own', 'extraBody', name);
  }
  try {
    return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
  } catch (cause) {
    throw Object.assign(wrongType('what JSON can say', 'extraBody', value), { cause });
  }
}

function entriesOf(value: unknown, name: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType('an object', name, value);
  }
  return Object.entries(value);
}
