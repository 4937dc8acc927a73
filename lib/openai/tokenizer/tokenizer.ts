// The interface of a remote model's tokenizer, for the class OpenAI and its choosing strategies.
// `find-tokenizer.ts` selects one of three implementations: `tiktoken-tokenizer.ts`, or, wrapped in
// `guarded-tokenizer.ts`, `server-tokenizer.ts` and `own-tokenizer.ts`.

/** How to tokenize a text; `parseSpecial` is undefined if the caller did not set it. */
export interface TokenizeRequest {
  addSpecial: boolean;
  parseSpecial: boolean | undefined;
  /** Whether the text continues another, so that nothing is added in front of it. Default false. */
  continuation?: boolean | undefined;
}

/** How to detokenize; `special` is undefined if the caller did not set it. */
export interface DetokenizeRequest {
  special: boolean | undefined;
  /** Whether the tokens continue others, so that nothing is dropped. Default false. */
  continuation?: boolean | undefined;
}

/**
 * What a server's or a caller's tokenizer does by itself. Calls that reach a server reject as those
 * of `Api` do.
 */
export interface BareTokenizer {
  /** The vocabulary size, if known. */
  readonly size: number | undefined;
  /** Maximum number of prompt and completion tokens together, if known. */
  readonly contextSize: number | undefined;
  /** The end-of-generation tokens, if known. */
  readonly endOfGeneration: Int32Array;
  /**
   * Whether to send prompts as token ids, because the server would parse special tokens in a user's
   * text.
   */
  readonly sendsTokens: boolean;
  tokenize(text: string, request: TokenizeRequest, signal?: AbortSignal): Promise<Int32Array>;
  detokenize(tokens: Int32Array, request: DetokenizeRequest, signal?: AbortSignal): Promise<string>;
}

/** A remote model's tokenizer. It honors `continuation`. */
export interface RemoteTokenizer extends BareTokenizer {
  /** The text that one token adds, special tokens included; U+FFFD for incomplete characters. Cached. */
  textOf(token: number, signal?: AbortSignal): Promise<string>;
  /** The bytes of one token, special tokens included; undefined if unknown. Cached. */
  bytesOf(token: number, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** The token with exactly this text or these bytes, if there is one. Cached. */
  tokenOf(
    token: { text: string; bytes: Uint8Array | undefined },
    signal?: AbortSignal,
  ): Promise<number | undefined>;
}

/** The bytes of a token's text; undefined if it contains incomplete characters. */
export const bytesOfText = (text: string): Uint8Array | undefined =>
  text.includes('\ufffd') ? undefined : Buffer.from(text);
