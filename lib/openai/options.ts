// The options of the class OpenAI and their validation. `openai.ts` reads them and passes them on
// to its client, generator and chooser.

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

/** Which of a server's two generation APIs to use. */
export type ApiKind = (typeof apis)[number];

/** A custom tokenizer. Both methods may return promises. */
export interface TextTokenizer {
  tokenize(
    text: string,
    options: { addSpecial: boolean; parseSpecial: boolean },
  ): ArrayLike<number> | Promise<ArrayLike<number>>;
  detokenize(tokens: Int32Array, options: { special: boolean }): string | Promise<string>;
}

/** Options of {@link OpenAI}. */
export interface OpenAIOptions {
  /** The model's name on the server. */
  model: string;
  /**
   * The server's base URL, including `/v1`. Default: the environment variable `OPENAI_BASE_URL`, or
   * OpenAI's server.
   */
  baseURL?: string | undefined;
  /**
   * Default: the environment variable `OPENAI_API_KEY`. Only OpenAI's own server requires a key.
   */
  apiKey?: string | undefined;
  /**
   * A client of the package `openai`, instead of `baseURL` and `apiKey`. The caller keeps
   * ownership.
   */
  client?: OpenAIClient | undefined;
  /** HTTP headers of every request; null removes one of the client's headers. Default: none. */
  headers?: Readonly<Record<string, string | null>> | undefined;
  /**
   * `'completions'`: the model continues the prompt. `'chat'`: the prompt is a user message and the
   * completion is the reply. `'auto'` (default): completions if the server and the model support
   * them, else chat; determined by the first call.
   */
  api?: ApiKind | undefined;
  /** The system message of every chat that does not begin with one. Default: none. */
  systemPrompt?: string | undefined;
  /** Shorthand for `completion.maxTokens`. */
  maxTokens?: number | undefined;
  /** The temperature of completions whose sampler does not set one. Default 0 (greedy). */
  temperature?: number | undefined;
  /** Defaults of `complete`. */
  completion?: CompletionDefaults | undefined;
  /** Maximum number of attempts per request. Default 5. */
  retries?: number | undefined;
  /** Milliseconds to wait after the first failure. Default 1000; no wait exceeds 60,000. */
  delta?: number | undefined;
  /** Factor by which each later wait grows. Default 2. */
  growth?: number | undefined;
  /**
   * Milliseconds without data from the server, before or during a response, after which a request
   * times out. Default 60,000.
   */
  timeout?: number | undefined;
  /** The model's js-tiktoken encoding. Default: derived from the model's name. */
  encoding?: EncodingName | undefined;
  /**
   * Which tokenizer to use. `'server'`: the server's `/tokenize`, as llama.cpp and vLLM provide it.
   * `'tiktoken'`: js-tiktoken. An object: a custom tokenizer. `'auto'` (default): js-tiktoken if
   * `encoding` is set or the server is OpenAI's; elsewhere the server's `/tokenize` if available,
   * else js-tiktoken by the model's name.
   */
  tokenizer?: (typeof tokenizers)[number] | TextTokenizer | undefined;
  /** End-of-generation tokens. Default: `<|endoftext|>` with js-tiktoken, else none. */
  endOfGeneration?: readonly number[] | Int32Array | undefined;
  /**
   * The token used as the context of an empty `prior`, usually the beginning-of-sequence token.
   * Default: none.
   */
  beginToken?: number | undefined;
  /**
   * Maximum number of prompt and completion tokens together. Default: what the server's tokenizer
   * reports, if anything.
   */
  contextSize?: number | undefined;
  /**
   * Additional fields of every generation request, for what this API does not cover. Default: none.
   */
  extraBody?: Readonly<Record<string, unknown>> | undefined;
  /** The strategy of `choose`. Default `'auto'`: the best that the server supports. */
  strategy?: StrategyOption | undefined;
  /** Maximum number of top log-probabilities to request. Default: the server's own limit. */
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

/** Request fields that this package sets itself. */
const reserved = new Set([
  ...['model', 'prompt', 'messages', 'stream', 'stream_options', 'n', 'stop', 'echo'],
  ...['max_tokens', 'max_completion_tokens', 'temperature', 'logprobs', 'top_logprobs'],
  'logit_bias',
]);

/** Validates the options; throws TypeError or RangeError. */
export function readOpenAIOptions(value: OpenAIOptions) {
  const given = checkOptions(value as OpenAIOptions | undefined, 'options', names);
  const model = checkString(given.model, 'model');
  if (model === '') throw wrongRange('a non-empty model name', 'model', model);
  const ifDefined = <T, R>(item: T | undefined, read: (item: T) => R): R | undefined =>
    item === undefined ? undefined : read(item);
  return {
    model,
    connection: readConnection(given),
    headers: readHeaders(given.headers ?? {}),
    api: checkOneOf(given.api ?? 'auto', 'api', apis),
    systemPrompt: ifDefined(given.systemPrompt, (text) => checkString(text, 'systemPrompt')),
    temperature: ifDefined(given.temperature, (value) => checkNumber(value, 'temperature', 0)),
    completion: readCompletion(given),
    policy: {
      retries: checkInteger(given.retries ?? 5, 'retries', 1),
      delta: checkNumber(given.delta ?? 1000, 'delta', 0),
      growth: checkNumber(given.growth ?? 2, 'growth', 0),
    },
    timeout: checkInteger(given.timeout ?? 60_000, 'timeout', 1),
    encoding: ifDefined(given.encoding, (name) => checkOneOf(name, 'encoding', encodingNames)),
    tokenizer: readTokenizer(given),
    endOfGeneration: ifDefined(given.endOfGeneration, readEndTokens),
    beginToken: ifDefined(given.beginToken, (token) => checkInteger(token, 'beginToken', 0)),
    contextSize: ifDefined(given.contextSize, (size) => checkInteger(size, 'contextSize', 1)),
    extraBody: readExtraBody(given.extraBody ?? {}),
    strategy: checkOneOf(given.strategy ?? 'auto', 'strategy', strategyOptions),
    topLogprobsLimit: ifDefined(given.topLogprobsLimit, (limit) =>
      checkInteger(limit, 'topLogprobsLimit', 1),
    ),
  };
}

/** The validated options. */
export type OpenAISettings = ReturnType<typeof readOpenAIOptions>;

function readConnection({ client, baseURL, apiKey }: Partial<OpenAIOptions>) {
  if (client === undefined) {
    if (baseURL !== undefined) checkAddress(checkString(baseURL, 'baseURL'));
    if (apiKey !== undefined && checkString(apiKey, 'apiKey') === '') {
      throw wrongRange('a non-empty key', 'apiKey', apiKey);
    }
    return { baseURL, apiKey };
  }
  for (const [name, value] of Object.entries({ baseURL, apiKey })) {
    if (value !== undefined) throw wrongType('no value alongside client', name, '(not shown)');
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
    throw wrongRange('an http or https URL', 'baseURL', baseURL);
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
    throw Object.assign(wrongRange('valid HTTP header names and values', 'headers', value), {
      cause,
    });
  }
  return Object.freeze(Object.fromEntries(entries));
}

function readCompletion({ completion, maxTokens }: Partial<OpenAIOptions>) {
  const read = readCompletionDefaults(completion);
  // Keep the sampler as given: settings that the caller did not name are left to the server.
  const sampler = completion?.sampler;
  if (maxTokens === undefined) return { defaults: read, sampler };
  if (read.maxTokens !== undefined) {
    throw wrongType('no value alongside completion.maxTokens', 'maxTokens', maxTokens);
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
    throw wrongType('no value alongside a custom tokenizer', 'encoding', encoding);
  }
  if (encoding !== undefined && tokenizer === 'server') {
    throw wrongType("no value alongside tokenizer 'server'", 'encoding', encoding);
  }
  return tokenizer ?? 'auto';
}

function readEndTokens(value: readonly number[] | Int32Array): Int32Array {
  if (!Array.isArray(value)) return checkTokens(value, 'endOfGeneration');
  return Int32Array.from(value, (token, index) =>
    checkInteger(token, `endOfGeneration[${index}]`, 0),
  );
}

function readExtraBody(value: unknown): Readonly<Record<string, unknown>> {
  for (const [name] of entriesOf(value, 'extraBody')) {
    if (reserved.has(name))
      throw wrongRange('no field that this package sets itself', 'extraBody', name);
  }
  try {
    return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
  } catch (cause) {
    throw Object.assign(wrongType('a value that JSON can represent', 'extraBody', value), {
      cause,
    });
  }
}

function entriesOf(value: unknown, name: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType('an object', name, value);
  }
  return Object.entries(value);
}
