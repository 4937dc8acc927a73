// The interface to a server that the class OpenAI and its choosing strategies use. `http/client.ts`
// implements it, with retries, timeouts and checks; nothing else deals with HTTP.

/** The body of `POST /completions`; other fields are passed through. */
export interface CompletionsBody {
  /** Text, token ids, or a list of either: one result for each. */
  prompt: string | readonly number[] | readonly string[] | readonly (readonly number[])[];
  max_tokens?: number;
  temperature?: number;
  /** Number of top log-probabilities per position. */
  logprobs?: number;
  echo?: boolean;
  logit_bias?: Readonly<Record<string, number>>;
  readonly [field: string]: unknown;
}

/** The body of `POST /chat/completions`; other fields are passed through. */
export interface ChatBody {
  messages: readonly { role: string; content: string }[];
  max_tokens?: number;
  temperature?: number;
  logprobs?: boolean;
  top_logprobs?: number;
  logit_bias?: Readonly<Record<string, number>>;
  readonly [field: string]: unknown;
}

/**
 * One completion of a response, reduced to what every server returns. `logprobs.ts` parses its
 * logprobs.
 */
export interface ApiResult {
  index: number;
  /** The generated text, with `echo` preceded by the prompt. */
  text: string;
  finishReason: string | undefined;
  /** Unparsed, as the server sent them. */
  logprobs: unknown;
}

/** A non-streamed response. */
export interface ApiResponse {
  /** One per prompt, in the order of the prompts. */
  results: ApiResult[];
  /** As reported by the server; 0 if it does not report usage. */
  usage: { promptTokens: number; completionTokens: number; cachedTokens: number };
}

/**
 * A server. Every call is retried where a retry may help, times out, and rejects with the signal's
 * reason, a RemoteError (with the `status` if the server refused), a ContextOverflowError or a
 * ClosedError.
 */
export interface Api {
  /** The model's name. */
  readonly model: string;
  /** `POST /completions`, not streamed. Fills in the model's name. */
  completions(body: CompletionsBody, signal: AbortSignal | undefined): Promise<ApiResponse>;
  /** `POST /chat/completions`, not streamed. Fills in the model's name. */
  chat(body: ChatBody, signal: AbortSignal | undefined): Promise<ApiResponse>;
}
