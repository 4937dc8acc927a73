// A remote model's tokens: what the class OpenAI and its ways of choosing ask of a tokenizer.
// `find-tokenizer.ts` finds one of the three kinds: `server-tokenizer.ts`,
// `tiktoken-tokenizer.ts`, `own-tokenizer.ts`.

/** How a text is tokenized; `parseSpecial` is undefined where the caller did not say. */
export interface TokenizeRequest {
  addSpecial: boolean;
  parseSpecial: boolean | undefined;
}

/** A remote model's tokenizer. What is asked of a server rejects as `Api` does. */
export interface RemoteTokenizer {
  /** How many token ids there are, where that is known. */
  readonly size: number | undefined;
  /** How many tokens prompt and text may have, where that is known. */
  readonly contextSize: number | undefined;
  /** The tokens that end a text, where they are known. */
  readonly endOfGeneration: Int32Array;
  /**
   * Whether prompts are to be sent as its tokens: where the server would read special tokens in
   * a user's text.
   */
  readonly sendsTokens: boolean;
  tokenize(text: string, request: TokenizeRequest, signal?: AbortSignal): Promise<Int32Array>;
  detokenize(
    tokens: Int32Array,
    request: { special: boolean | undefined },
    signal?: AbortSignal,
  ): Promise<string>;
  /** The text of one token, a special one's included; U+FFFD for bytes that are no character. Kept. */
  textOf(token: number, signal?: AbortSignal): Promise<string>;
  /** The bytes of one token, a special one's included; undefined where they are not to be had. Kept. */
  bytesOf(token: number, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** The token that is exactly this, if there is one. Kept. */
  tokenOf(
    written: { text: string; bytes: Uint8Array | undefined },
    signal?: AbortSignal,
  ): Promise<number | undefined>;
}

/** The bytes of a token's text; undefined where some of them are no character. */
export const wholeBytes = (text: string): Uint8Array | undefined =>
  text.includes('\ufffd') ? undefined : Buffer.from(text);
