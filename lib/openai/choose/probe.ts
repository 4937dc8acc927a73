// Determines once, by a few tiny requests, what a server supports. `choose.ts` keeps the result and
// selects a strategy by it; callers get it from `OpenAI.probe`.

import { RemoteError } from '../../common/errors.js';
import type { ApiResponse, ApiResult, CompletionsBody } from '../http/api.js';
import { readLogprobs } from '../http/logprobs.js';
import type { RemoteEngine } from './remote-engine.js';
import { matchReply, namesOf, type TokenName } from './token-match.js';

/** What a server was found to support. */
export interface ServerFeatures {
  /** Whether it has `/completions`. The next nine fields are about that endpoint. */
  completions: boolean;
  /** Whether prompts may be token ids; otherwise they are sent as text. */
  tokenPrompts: boolean;
  /** Whether one request may have several prompts. */
  promptLists: boolean;
  /**
   * Whether it returns the log-probabilities of a prompt's own tokens: without generating anything
   * (`'alone'`), or only with at least one generated token (`'written-to'`).
   */
  echo: false | 'alone' | 'written-to';
  /** How many top tokens it returns, up to the requested limit; 0 for none. */
  topLogprobs: number;
  /** How it identifies the top tokens. */
  tokenNames: 'ids' | 'bytes' | 'texts';
  /** Whether it returns ids only if requested (`return_tokens_as_token_ids`). */
  tokenIds: boolean;
  /** Whether `logit_bias` can force it to generate a token. */
  logitBias: boolean;
  /** Whether its log-probabilities are those without the bias. */
  rawLogprobs: boolean;
  /** The token that the bias was tested with, whose text is a whole character or more. */
  wholeToken: number | undefined;
  /** Whether it has `/chat/completions`. */
  chat: boolean;
  /** Whether chats accept a temperature. */
  chatTemperature: boolean;
  /** Whether `logit_bias` can force a chat to generate a token. */
  chatBias: boolean;
  /** Whether chats return log-probabilities. */
  chatLogprobs: boolean;
}

/** Numbers of top tokens to request, in this order, until the server accepts one. */
const topCounts = [1000, 100, 20, 5, 1];

const text = 'One two three';

/** Whether the server understood a request but does not support it. */
function isRefusal(error: unknown, more: readonly number[] = []): boolean {
  const refusals = [400, 404, 405, 415, 422, 501, ...more];
  return error instanceof RemoteError && refusals.includes(error.status ?? 0);
}

/** The results, or undefined if the server refuses; throws other errors. */
async function unlessRefused(
  request: Promise<ApiResponse>,
  more?: readonly number[],
): Promise<ApiResult[] | undefined> {
  try {
    return (await request).results;
  } catch (error) {
    if (isRefusal(error, more)) return undefined;
    throw error;
  }
}

/** Probes a server. Throws the server's error, unless it is a refusal. */
export async function probe(
  engine: RemoteEngine,
  signal: AbortSignal | undefined,
): Promise<ServerFeatures> {
  const features: ServerFeatures = {
    completions: false,
    tokenPrompts: false,
    promptLists: false,
    echo: false,
    topLogprobs: 0,
    tokenNames: 'texts',
    tokenIds: false,
    logitBias: false,
    rawLogprobs: false,
    wholeToken: undefined,
    chat: false,
    chatTemperature: false,
    chatBias: false,
    chatLogprobs: false,
  };
  const unlikelyToken = await findUnlikelyToken(engine);
  await probeCompletions(engine, features, unlikelyToken, signal);
  await probeChat(engine, features, unlikelyToken, signal);
  return features;
}

/** A token that is unlikely to continue the probe's prompt. */
async function findUnlikelyToken(engine: RemoteEngine): Promise<number | undefined> {
  const lists = await engine.tokenizer.texts([' Q', 'Q', ' 7', '7']);
  for (const token of lists.flatMap((tokens) => [...tokens])) {
    const own = await engine.textOf(token);
    if (own.trim() !== '' && !own.includes('\ufffd')) return token;
  }
  return undefined;
}

async function probeCompletions(
  engine: RemoteEngine,
  features: ServerFeatures,
  unlikelyToken: number | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const tokens = Array.from(await engine.tokenizer.prompt(text));
  // The server worked a moment ago, so a failure of one kind of request means that it is
  // unsupported.
  const failureStatuses = [403, 500];
  const request = (body: CompletionsBody, more?: readonly number[]) =>
    unlessRefused(engine.api.completions({ temperature: 0, max_tokens: 1, ...body }, signal), more);

  features.tokenPrompts = (await request({ prompt: tokens }, [500]))?.length === 1;
  features.completions = features.tokenPrompts || (await request({ prompt: text }))?.length === 1;
  if (!features.completions) return;
  const prompt = features.tokenPrompts ? tokens : text;
  if (features.tokenPrompts) {
    const results = await request({ prompt: [tokens, [...tokens, ...tokens]] }, failureStatuses);
    features.promptLists = results?.length === 2;
  }
  for (const [max_tokens, kind] of [
    [0, 'alone'],
    [1, 'written-to'],
  ] as const) {
    const results = await request({ prompt, echo: true, logprobs: 1, max_tokens }, failureStatuses);
    const steps = readLogprobs(results?.[0]?.logprobs) ?? [];
    // Some servers ignore `echo` and generate, or generate a token with `max_tokens: 0`.
    const isEcho = steps.slice(1, tokens.length).every(({ logprob }) => !Number.isNaN(logprob));
    if (steps.length >= tokens.length && steps.length <= tokens.length + max_tokens && isEcho) {
      features.echo = kind;
      break;
    }
  }
  if (unlikelyToken !== undefined) {
    const [name] = await namesOf(engine, [unlikelyToken]);
    const [result] =
      (await request({ prompt, logit_bias: { [unlikelyToken]: 100 } }, failureStatuses)) ?? [];
    features.logitBias = isGenerated(name, result);
    if (features.logitBias) features.wholeToken = unlikelyToken;
  }
  await probeLogprobs(engine, features, request, prompt);
}

const isGenerated = (name: TokenName | undefined, result: ApiResult | undefined): boolean =>
  name !== undefined && result !== undefined && typeof matchReply([name], result) !== 'string';

/**
 * Determines how many top tokens are returned, how they are identified, and whether a bias affects
 * their log-probabilities.
 */
async function probeLogprobs(
  { topLogprobsLimit }: Pick<RemoteEngine, 'topLogprobsLimit'>,
  features: ServerFeatures,
  request: (body: CompletionsBody, more?: readonly number[]) => Promise<ApiResult[] | undefined>,
  prompt: CompletionsBody['prompt'],
): Promise<void> {
  const failureStatuses = [403, 500];
  const { wholeToken } = features;
  const bias = wholeToken !== undefined && { logit_bias: { [wholeToken]: 100 } };
  const requestTop = async (more: Omit<CompletionsBody, 'prompt'>, isBiased = false) => {
    const results = await request({ prompt, ...more, ...(isBiased && bias) }, failureStatuses);
    const step = readLogprobs(results?.[0]?.logprobs)?.[0];
    return { isAccepted: results !== undefined, step: step?.top.length ? step : undefined };
  };
  const limit = topLogprobsLimit ?? (topCounts[0] as number);
  for (const logprobs of [limit, ...topCounts.filter((count) => count < limit)]) {
    let { isAccepted, step } = await requestTop({ logprobs });
    // Some servers return no logprobs for a token that ends in mid-character.
    if (isAccepted && step === undefined && bias)
      ({ isAccepted, step } = await requestTop({ logprobs }, true));
    if (step === undefined) continue;
    const { top } = step;
    // A few may be missing because they have the same text; if most are missing, the server has a
    // limit.
    features.topLogprobs = top.length < logprobs / 2 ? top.length : logprobs;
    const isNamed = (key: 'id' | 'bytes'): boolean => top.every((one) => one[key] !== undefined);
    const withIds = { logprobs: 1, return_tokens_as_token_ids: true };
    if (isNamed('id')) features.tokenNames = 'ids';
    else if ((await requestTop(withIds, true)).step?.top[0]?.id !== undefined) {
      features.tokenNames = 'ids';
      features.tokenIds = true;
    } else if (isNamed('bytes')) features.tokenNames = 'bytes';
    if (bias) {
      // If the bias were included, the token's probability would be almost 1.
      const biased = await requestTop({ logprobs: 1 }, true);
      features.rawLogprobs = (biased.step?.logprob ?? 0) < -1e-3;
    }
    return;
  }
}

async function probeChat(
  engine: RemoteEngine,
  features: ServerFeatures,
  unlikelyToken: number | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const body = { messages: [{ role: 'user', content: text }], max_tokens: 1 };
  const request = (more: object) =>
    unlessRefused(engine.api.chat({ ...body, ...more }, signal), [403, 500]);
  features.chatTemperature =
    (await unlessRefused(engine.api.chat({ ...body, temperature: 0 }, signal))) !== undefined;
  try {
    if (!features.chatTemperature) await engine.api.chat(body, signal);
    features.chat = true;
  } catch (error) {
    // With neither endpoint available, the base URL or the model's name is wrong.
    if (!isRefusal(error) || !features.completions) throw error;
    return;
  }
  const reported = await request({ logprobs: true, top_logprobs: 1 });
  features.chatLogprobs = readLogprobs(reported?.[0]?.logprobs) !== undefined;
  if (unlikelyToken === undefined) return;
  const [name] = await namesOf(engine, [unlikelyToken]);
  const [result] = (await request({ logit_bias: { [unlikelyToken]: 100 } })) ?? [];
  features.chatBias = isGenerated(name, result);
}

/** A probe that runs once and is shared by concurrent callers; a failed one is repeated. */
export class Probe {
  readonly #engine: RemoteEngine;
  #features: Promise<ServerFeatures> | undefined;

  constructor(engine: RemoteEngine) {
    this.#engine = engine;
  }

  /**
   * The features, once known. It takes no signal, so that one caller's abort does not fail the
   * others.
   */
  features(): Promise<ServerFeatures> {
    this.#features ??= probe(this.#engine, undefined).catch((error: unknown) => {
      this.#features = undefined;
      throw error;
    });
    return this.#features;
  }
}
