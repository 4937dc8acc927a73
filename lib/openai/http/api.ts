// What the class OpenAI and its ways of choosing ask of a server. `lib/openai/http/client.ts` answers
// with requests that are retried, timed and checked; nobody else sees HTTP.

/** What `/completions` takes; other fields go through as they are. */
export interface CompletionsBody {
  /** Text, token ids, or a list of either: one answer each. */
  prompt: string | readonly number[] | readonly string[] | readonly (readonly number[])[];
  max_tokens?: number;
  temperature?: number;
  /** How many of the likeliest tokens are told per place. */
  logprobs?: number;
  echo?: boolean;
  logit_bias?: Readonly<Record<string, number>>;
  readonly [field: string]: unknown;
}

/** What `/chat/completions` takes; other fields go through as they are. */
export interface ChatBody {
  messages: readonly { role: string; content: string }[];
  max_tokens?: number;
  temperature?: number;
  logprobs?: boolean;
  top_logprobs?: number;
  logit_bias?: Readonly<Record<string, number>>;
  readonly [field: string]: unknown;
}

/** One of a server's answers, as far as every server has it; its logprobs are read by `logprobs.ts`. */
export interface Answer {
  index: number;
  /** What was written; with `echo` the prompt before it. */
  text: string;
  finishReason: string | undefined;
  /** As the server gave them. */
  logprobs: unknown;
}

/** What a request that is not streamed gives. */
export interface Answers {
  /** In the order of the prompts; as many as there were. */
  answers: Answer[];
  /** As the server counted; 0 where it did not. */
  usage: { promptTokens: number; completionTokens: number; cachedTokens: number };
}

/**
 * A server. Every call is retried where that may help, ends in time, and rejects with the
 * signal's reason, a RemoteError (refusals have their `status`), a ContextOverflowError or a
 * ClosedError.
 */
export interface Api {
  /** The name of the model. */
  readonly model: string;
  /** `POST /completions`, not streamed. The model's name is filled in. */
  completions(body: CompletionsBody, signal: AbortSignal | undefined): Promise<Answers>;
  /** `POST /chat/completions`, not streamed. The model's name is filled in. */
  chat(body: ChatBody, signal: AbortSignal | undefined): Promise<Answers>;
}
