// The server's own tokenizer: `/tokenize` and `/detokenize` next to its `/v1`, as llama.cpp's
// server and vLLM provide them. `find-tokenizer.ts` creates it.

import { NotSupportedError, RemoteError } from '../../common/errors.js';
import type { Client } from '../http/client.js';
import { isRetryableStatus } from '../http/failure.js';
import type { BareTokenizer, DetokenizeRequest, TokenizeRequest } from './tokenizer.js';

type Fields = Record<string, unknown>;

/** The request format of one kind of server. */
interface Dialect {
  sendsTokens: boolean;
  /** Whether it supports `parseSpecial: false` and `special: false`. */
  supportsSpecial: boolean;
  tokenize(text: string, request: TokenizeRequest): object;
  detokenize(tokens: readonly number[]): object;
  /** The field of its `/detokenize` response that has the text. */
  textField: string;
}

const dialects = {
  llama: (): Dialect => ({
    sendsTokens: true,
    supportsSpecial: true,
    tokenize: (content, { addSpecial, parseSpecial = false }) => ({
      content,
      add_special: addSpecial,
      parse_special: parseSpecial,
    }),
    detokenize: (tokens) => ({ tokens }),
    textField: 'content',
  }),
  vllm: (model: string): Dialect => ({
    sendsTokens: false,
    supportsSpecial: false,
    tokenize: (prompt, { addSpecial }) => ({ model, prompt, add_special_tokens: addSpecial }),
    detokenize: (tokens) => ({ model, tokens }),
    textField: 'prompt',
  }),
};

/** A text that yields at least one token with both kinds of server. */
const probeText = 'a b';

const tokensIn = (response: Fields): Int32Array | undefined => {
  const { tokens } = response;
  const isList = Array.isArray(tokens) && tokens.every((token) => Number.isInteger(token));
  return isList ? Int32Array.from(tokens as number[]) : undefined;
};

/**
 * The response of `/tokenize`: empty if the server rejects this request format, undefined if the
 * server has no such endpoint.
 */
async function requestTokens(
  client: Client,
  body: object,
  signal: AbortSignal | undefined,
): Promise<Fields | undefined> {
  try {
    return await client.post(`${client.root}/tokenize`, body, signal);
  } catch (error) {
    const status = error instanceof RemoteError ? error.status : undefined;
    if (status === 400 || status === 422) return {};
    // Any other client error, or an HTML page: there is no such endpoint.
    if (status !== undefined && !isRetryableStatus(status)) return undefined;
    throw error;
  }
}

/** A server's tokenizer. Caches what it learns about single tokens. */
export class ServerTokenizer implements BareTokenizer {
  readonly size = undefined;
  readonly endOfGeneration = new Int32Array(0);
  contextSize: number | undefined;
  readonly #client: Client;
  readonly #dialect: Dialect;
  readonly #controlFlags = new Map<number, boolean>();

  private constructor(client: Client, dialect: Dialect) {
    this.#client = client;
    this.#dialect = dialect;
  }

  /** The tokenizer of a server; undefined if the server responds but has none. */
  static async find(
    client: Client,
    signal: AbortSignal | undefined,
  ): Promise<ServerTokenizer | undefined> {
    for (const dialect of [dialects.llama(), dialects.vllm(client.model)]) {
      const body = dialect.tokenize(probeText, { addSpecial: false, parseSpecial: false });
      const response = await requestTokens(client, body, signal);
      if (response === undefined) return undefined;
      if ((tokensIn(response)?.length ?? 0) === 0) continue;
      const found = new ServerTokenizer(client, dialect);
      found.#readSize(response);
      return found;
    }
    return undefined;
  }

  get sendsTokens(): boolean {
    return this.#dialect.sendsTokens;
  }

  async tokenize(
    text: string,
    request: TokenizeRequest,
    signal?: AbortSignal,
  ): Promise<Int32Array> {
    if (!this.#dialect.supportsSpecial && request.parseSpecial === false) {
      throw new NotSupportedError(
        "The server's /tokenize always parses special tokens: parseSpecial: false is not supported",
      );
    }
    const body = this.#dialect.tokenize(Buffer.from(text).toString(), request);
    const response = await this.#client.post(`${this.#client.root}/tokenize`, body, signal);
    this.#readSize(response);
    return tokensIn(response) ?? this.#malformed('/tokenize', response);
  }

  async detokenize(
    tokens: Int32Array,
    { special }: DetokenizeRequest,
    signal?: AbortSignal,
  ): Promise<string> {
    if (!this.#dialect.supportsSpecial && special === false) {
      throw new NotSupportedError(
        "The server's /detokenize always includes special tokens: special: false is not supported",
      );
    }
    if (tokens.length === 0) return '';
    const text = await this.#textOf(tokens, signal);
    if (special === true || !this.#dialect.supportsSpecial) return text;
    if (!(await this.#hasControls(tokens, text, signal))) return text;
    const visible: number[] = [];
    for (const token of tokens) if (!(await this.#isControl(token, signal))) visible.push(token);
    return visible.length === 0 ? '' : this.#textOf(Int32Array.from(visible), signal);
  }

  async #textOf(tokens: Int32Array, signal: AbortSignal | undefined): Promise<string> {
    const body = this.#dialect.detokenize([...tokens]);
    const response = await this.#client.post(`${this.#client.root}/detokenize`, body, signal);
    const text = response[this.#dialect.textField];
    return typeof text === 'string' ? text : this.#malformed('/detokenize', response);
  }

  /** A control token's text tokenizes differently with and without `parseSpecial`. */
  async #hasControls(
    tokens: Int32Array,
    text: string,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const unknown = tokens.filter((token) => this.#controlFlags.get(token) === undefined);
    if (unknown.length > 0 && (await this.#tokenizesAlike(text, signal))) {
      for (const token of unknown) this.#controlFlags.set(token, false);
    }
    return tokens.some((token) => this.#controlFlags.get(token) !== false);
  }

  async #isControl(token: number, signal: AbortSignal | undefined): Promise<boolean> {
    let isControl = this.#controlFlags.get(token);
    if (isControl === undefined) {
      isControl = !(await this.#tokenizesAlike(
        await this.#textOf(Int32Array.of(token), signal),
        signal,
      ));
      this.#controlFlags.set(token, isControl);
    }
    return isControl;
  }

  async #tokenizesAlike(text: string, signal: AbortSignal | undefined): Promise<boolean> {
    const [parsed, plain] = await Promise.all(
      [true, false].map((parseSpecial) =>
        this.tokenize(text, { addSpecial: false, parseSpecial }, signal),
      ),
    );
    return `${parsed}` === `${plain}`;
  }

  #readSize({ max_model_len: size }: Fields): void {
    if (typeof size === 'number' && Number.isInteger(size) && size > 0) this.contextSize = size;
  }

  #malformed(path: string, response: unknown): never {
    const shown = JSON.stringify(response).slice(0, 80);
    throw new RemoteError(`The response of ${path} cannot be parsed: ${shown}`);
  }
}
