// Generation by the native engine: implements GreedyLM's hooks for LLaMa.

import { raceAbort } from '../common/abort.js';
import { onAbort } from '../common/abort-listeners.js';
import type { Candidate } from '../common/candidate.js';
import type { Completion, CompletionChunk } from '../common/completion.js';
import { LMError } from '../common/errors.js';
import { concatenateAll } from '../common/token-arrays.js';
import { noCost } from '../common/usage.js';
import type { BeamRequest, BeamSearchResult, BeamSequence } from '../generation/beam-options.js';
import type { ManyRun } from '../generation/complete-many.js';
import type { CompletionRequest } from '../generation/completion-options.js';
import type { Emit, Generation, GenerationRun } from '../generation/generation.js';
import { candidateRows, completionOf, runGeneration } from '../generation/run-generation.js';
import {
  type NativeCancellation,
  type NativeGeneration,
  type NativeGenerationOptions,
  type NativeOnPieces,
  native,
} from './binding.js';
import { PiecePump } from './piece-pump.js';
import type { Runner } from './runner.js';
import { nativeSampling } from './sampling.js';
import { costFromNative } from './usage.js';

type TextOf = (token: number) => string;
type Request = Omit<CompletionRequest, 'onToken'>;

/** The engine's int32 value for "no limit". */
const unlimited = 2 ** 31 - 1;

/** Generates one completion; ends with the partial result when `stopped` aborts. */
export async function generateNatively(
  session: Runner,
  textOf: TextOf,
  ...[prompt, request, emit, stopped]: GenerationRun
): Promise<Generation> {
  const sampling = nativeSampling(request.sampler, request.grammar);
  const codec = new RequestCodec(session, request, textOf);
  const pump = new PiecePump();
  const onPieces = emit && codec.onPieces(pump, (_prompt, chunk) => emit(chunk));
  const keep = keptTokens(session, prompt, request);
  const job = session.run((engine, cancellation) => {
    cancelOn(stopped, cancellation);
    return engine.generate(prompt, codec.options(keep), sampling, onPieces, cancellation);
  });
  const result = await unlessStopped(job, stopped).catch((error: unknown) => {
    pump.clear();
    throw error;
  });
  if (result === undefined) return emptyGeneration(prompt.length);
  await delivered(pump, stopped);
  return codec.generation(result, sampling.seed);
}

/** Generates several completions in one native job; each has its own reader. */
export async function generateManyNatively(
  session: Runner,
  textOf: TextOf,
  ...[prompts, request, stopwatch]: ManyRun
): Promise<Completion[]> {
  if (prompts.length === 0) return [];
  const sampling = nativeSampling(request.sampler, request.grammar);
  const seeds = Float64Array.from(prompts, (_, index) => (sampling.seed + index) % 2 ** 32);
  const cancellations = prompts.map(() => native.createCancellation());
  const codec = new RequestCodec(session, request, textOf);
  const emits: (Emit | undefined)[] = [];
  const { onToken, ...rest } = request;
  const pump = new PiecePump();
  const onPieces = onToken && codec.onPieces(pump, (prompt, chunk) => emits[prompt]?.(chunk));
  const start = (): Promise<NativeGeneration[]> =>
    session.run((engine, cancellation) => {
      cancelOn(request.signal, cancellation);
      const lengths = Int32Array.from(prompts, ({ length }) => length);
      const tasks = [concatenateAll(prompts), lengths, seeds, cancellations] as const;
      return engine.generateMany(...tasks, codec.options(0), sampling, onPieces, cancellation);
    });
  // Deferred until every reader is registered below.
  const job = Promise.resolve().then(start);
  const completions = prompts.map(async (prompt, index) => {
    const single = { ...rest, onToken: undefined };
    const reader = onToken && ((chunk: CompletionChunk) => onToken(chunk, index));
    const generation = await runGeneration(single, reader, undefined, async (emit, stopped) => {
      emits[index] = emit;
      cancelOn(stopped, cancellations[index] as NativeCancellation);
      const result = (await unlessStopped(job, stopped))?.[index];
      if (result === undefined) return emptyGeneration(prompt.length);
      // Those of the other completions go on, whatever ends this one.
      await raceAbort(pump.idle(), stopped).catch(() => {});
      return codec.generation(result, seeds[index] as number);
    });
    return completionOf(generation, single, stopwatch);
  });
  try {
    return await Promise.all(completions);
  } catch (error) {
    pump.clear();
    for (const cancellation of cancellations) cancellation.cancel();
    throw error;
  }
}

/** Beam search in one job. */
export async function searchBeamsNatively(
  session: Runner,
  prompt: Int32Array,
  request: BeamRequest,
): Promise<BeamSearchResult> {
  const { beams, returnSequences, maxTokens, lengthPenalty, earlyStopping, stops } = request;
  const result = await session.run((engine, cancellation) => {
    const counts = [beams, returnSequences, maxTokens] as const;
    const rules = [lengthPenalty, earlyStopping, stops] as const;
    return engine.searchBeams(prompt, ...counts, ...rules, cancellation);
  }, request.signal);
  const sequences = result.beams.map(({ endLogprob, stop, stopReason, ...beam }): BeamSequence => {
    const logprob = beam.logprobs.reduce((sum, value) => sum + value, endLogprob);
    const stopString = stops[stop];
    const reason = stopReason === 'stopString' ? 'stop' : stopReason;
    return {
      ...beam,
      logprob,
      stopReason: reason === 'context' ? 'length' : reason,
      ...(stopString === undefined ? {} : { stop: stopString }),
    };
  });
  return { beams: sequences, ...costFromNative(result.usage) };
}

/** How many tokens of a prompt a context shift keeps. */
function keptTokens(session: Runner, prompt: Int32Array, { contextShift }: Request): number {
  if (contextShift === undefined) return 0;
  if (contextShift.keep >= 0) return contextShift.keep;
  return prompt[0] === session.model.vocab.bos ? 1 : 0;
}

function cancelOn(signal: AbortSignal | undefined, cancellation: NativeCancellation): void {
  if (signal?.aborted) cancellation.cancel();
  else signal?.addEventListener('abort', () => cancellation.cancel(), { once: true });
}

/** A job's result; undefined if it was stopped while it was queued. */
async function unlessStopped<T>(job: Promise<T>, stopped: AbortSignal): Promise<T | undefined> {
  try {
    return await job;
  } catch (error) {
    if (stopped.aborted && error instanceof LMError && error.code === 'ABORTED') return undefined;
    throw error;
  }
}

function emptyGeneration(promptTokens: number): Generation {
  const cost = noCost();
  cost.usage.promptTokens = promptTokens;
  const empty = { text: '', tokens: new Int32Array(0), logprobs: new Float64Array(0) };
  return { ...empty, stopReason: 'abort', firstTokenMs: 0, writeMs: 0, ...cost };
}

/** Waits until all chunks are delivered, or the reader wants no more. */
async function delivered(pump: PiecePump, stopped: AbortSignal): Promise<void> {
  const unlisten = onAbort(stopped, () => pump.clear());
  await raceAbort(pump.idle(), stopped).catch(() => {});
  unlisten();
}

/** Encodes a request for the engine, and decodes the engine's results. */
class RequestCodec {
  readonly #request: Request;
  readonly #textOf: TextOf;
  /** Alternatives per token. */
  readonly #width: number;

  constructor(session: Runner, request: Request, textOf: TextOf) {
    this.#request = request;
    this.#textOf = textOf;
    this.#width = Math.min(request.topLogprobs, session.model.vocab.size);
  }

  options(keep: number): NativeGenerationOptions {
    const { maxTokens, stops, stopTokens, includeStop, contextShift } = this.#request;
    return {
      maxTokens: Math.min(maxTokens, unlimited),
      stops,
      stopTokens: Int32Array.from(stopTokens),
      includeStop,
      alternatives: this.#width,
      contextShift: contextShift !== undefined,
      keep,
    };
  }

  /** The engine's callback: passes each piece on as a chunk. */
  onPieces(
    pump: PiecePump,
    deliver: (prompt: number, chunk: CompletionChunk) => void,
  ): NativeOnPieces {
    return (prompts, tokens, logprobs, texts, alternatives, alternativeLogprobs) => {
      let row = 0;
      for (let index = 0; index < tokens.length; index++) {
        const count = (tokens[index] as number) < 0 ? 0 : 1;
        const [from, to] = [row * this.#width, (row + count) * this.#width];
        row += count;
        pump.run(() => {
          const rows = this.#rows(
            alternatives.subarray(from, to),
            alternativeLogprobs.subarray(from, to),
          );
          deliver(prompts[index] as number, {
            text: texts[index] as string,
            tokens: tokens.slice(index, index + count),
            logprobs: logprobs.slice(index, index + count),
            ...(rows === undefined ? {} : { alternatives: rows }),
          });
        });
      }
    };
  }

  generation(result: NativeGeneration, seed: number): Generation {
    const { text, tokens, logprobs, stopReason: reason, firstTokenMs, writeMs } = result;
    const { stops, stopTokens, sampler } = this.#request;
    const isStop = reason === 'stopString' || reason === 'stopToken';
    const stop = isStop ? (reason === 'stopString' ? stops : stopTokens)[result.stop] : undefined;
    const alternatives = this.#rows(result.alternatives, result.alternativeLogprobs);
    return {
      text,
      tokens,
      logprobs,
      ...(alternatives === undefined ? {} : { alternatives }),
      stopReason: isStop ? 'stop' : reason,
      ...(stop === undefined ? {} : { stop }),
      ...(sampler?.hasChance ? { seed } : {}),
      firstTokenMs,
      writeMs,
      ...costFromNative(result.usage),
    };
  }

  #rows(tokens: Int32Array, logprobs: Float64Array): Candidate[][] | undefined {
    return this.#width === 0
      ? undefined
      : candidateRows(tokens, logprobs, this.#width, this.#textOf);
  }
}
