// Runs one call of `complete` or `stream`: the single path by which a signal, `onToken` or a
// leaving reader ends it early, and the conversion of the result. GreedyLM and LLaMa use it.

import { raceAbort } from '../common/abort.js';
import { onAbort } from '../common/abort-listeners.js';
import { CallbackCalls } from '../common/callback-calls.js';
import type { Candidate } from '../common/candidate.js';
import type { Completion, CompletionChunk } from '../common/completion.js';
import { ContextOverflowError } from '../common/errors.js';
import type { Stopwatch } from '../common/usage.js';
import type { CompletionRequest } from './completion-options.js';
import type { Emit, Generation } from './generation.js';

/** Generates; when the signal aborts, ends soon with the partial result. */
export type GenerationWork = (emit: Emit | undefined, stopped: AbortSignal) => Promise<Generation>;

/** Receives each chunk; returns false, or a promise of it, to end the generation. */
type Reader = (chunk: CompletionChunk) => unknown;

/**
 * Generates under a call's signal and for its reader.
 *
 * @param left aborts when the reader of a stream leaves
 */
export async function runGeneration(
  request: CompletionRequest,
  reader: Reader | undefined,
  left: AbortSignal | undefined,
  work: GenerationWork,
): Promise<Generation & { isLeft: boolean }> {
  const { signal, stopOnAbort } = request;
  const stop = new AbortController();
  const delivery = reader === undefined ? undefined : new Delivery(reader, stop);
  const unlisten = [onAbort(signal, () => stop.abort()), onAbort(left, () => delivery?.leave())];
  try {
    const working = work(delivery?.emit, stop.signal);
    const generation = await (stopOnAbort ? working : raceAbort(working, signal));
    if (delivery === undefined) return { ...generation, isLeft: false };
    await raceAbort(delivery.calls.settled(), stopOnAbort ? undefined : signal);
    const { isLeft } = delivery;
    const { failure } = delivery.calls;
    if (failure !== undefined) throw failure.reason;
    return { ...(stop.signal.aborted ? delivery.cut(generation) : generation), isLeft };
  } finally {
    for (const end of unlisten) end();
  }
}

/** Delivers chunks to a reader and records them. */
class Delivery {
  readonly calls: CallbackCalls;
  isLeft = false;
  readonly #reader: Reader;
  readonly #stop: AbortController;
  readonly #chunks: CompletionChunk[] = [];

  constructor(reader: Reader, stop: AbortController) {
    this.#reader = reader;
    this.#stop = stop;
    this.calls = new CallbackCalls(() => stop.abort());
  }

  readonly emit = (chunk: CompletionChunk): void => {
    // The engine may have generated more before it noticed the stop.
    if (this.#stop.signal.aborted) return;
    this.#chunks.push(chunk);
    this.calls.run(
      () => this.#reader(chunk),
      (result) => {
        if (result === false) this.leave();
      },
    );
  };

  leave(): void {
    this.isLeft = true;
    this.#stop.abort();
  }

  /** The part of the generation that was delivered. */
  cut(generation: Generation): Generation {
    const chunks = this.#chunks;
    const count = chunks.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const { alternatives } = generation;
    const { stop: _stop, ...rest } = generation;
    const isWhole = count === generation.tokens.length && generation.stopReason !== 'abort';
    return {
      ...(isWhole ? generation : rest),
      text: chunks.map(({ text }) => text).join(''),
      tokens: generation.tokens.slice(0, count),
      logprobs: generation.logprobs.slice(0, count),
      ...(alternatives === undefined ? {} : { alternatives: alternatives.slice(0, count) }),
      stopReason: isWhole ? generation.stopReason : 'abort',
    };
  }
}

/**
 * The public result of a generation.
 *
 * @throws ContextOverflowError if the context was full before an explicit `maxTokens`
 */
export function completionOf(
  generation: Generation & { isLeft: boolean },
  request: CompletionRequest,
  stopwatch: Stopwatch,
): Completion {
  const { text, tokens, logprobs, alternatives, stop, seed, isLeft } = generation;
  const cost = stopwatch.complete(generation);
  const completion: Completion = {
    text,
    tokens,
    logprobs,
    logprob: logprobs.reduce((sum, value) => sum + value, 0),
    stopReason: reasonOf(generation.stopReason, isLeft),
    ...(stop === undefined ? {} : { stop }),
    ...(seed === undefined ? {} : { seed }),
    ...(alternatives === undefined ? {} : { alternatives }),
    performance: performanceOf(generation, cost),
    ...cost,
  };
  if (generation.stopReason === 'context' && request.isChosen) {
    throw new ContextOverflowError(
      `The context is full after ${tokens.length} of ${request.maxTokens} tokens; ` +
        'error.completion has the partial result, and the option contextShift generates more',
      { completion },
    );
  }
  return completion;
}

function reasonOf(reason: Generation['stopReason'], isLeft: boolean): Completion['stopReason'] {
  if (reason === 'context') return 'length';
  return reason === 'abort' && isLeft ? 'callback' : reason;
}

function performanceOf(
  { firstTokenMs, writeMs, tokens, stopReason }: Generation,
  { usage, timings }: Pick<Completion, 'usage' | 'timings'>,
): Completion['performance'] {
  const steps = tokens.length - 1 + (stopReason === 'eog' ? 1 : 0);
  const fresh = usage.promptTokens - usage.cachedTokens;
  return {
    firstTokenMs: timings.tokenizeMs + timings.queueMs + firstTokenMs,
    tokensPerSecond: steps > 0 && writeMs > 0 ? (steps / writeMs) * 1000 : 0,
    promptTokensPerSecond: timings.promptMs > 0 ? (fresh / timings.promptMs) * 1000 : 0,
  };
}

/** Splits the engine's flat lists of most likely tokens into rows of `width` candidates. */
export function candidateRows(
  tokens: Int32Array,
  logprobs: Float64Array,
  width: number,
  textOf: (token: number) => string,
): Candidate[][] {
  const rows: Candidate[][] = [];
  for (let start = 0; start < tokens.length; start += width) {
    const row = Array.from(tokens.subarray(start, start + width), (token, index) => {
      const logprob = logprobs[start + index] as number;
      return { token, text: textOf(token), logprob, probability: Math.exp(logprob) };
    });
    rows.push(row);
  }
  return rows;
}
