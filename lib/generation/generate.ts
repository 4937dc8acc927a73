// Greedy decoding in TypeScript for any LM with next-token log-probabilities. GreedyLM calls it;
// LLaMa generates natively instead.

import type { Candidate } from '../common/candidate.js';
import { NotSupportedError } from '../common/errors.js';
import { concatenate } from '../common/token-arrays.js';
import { noCost } from '../common/usage.js';
import { topCandidates } from './candidates.js';
import type { CompletionRequest } from './completion-options.js';
import type { Emit, Generation } from './generation.js';
import { PartialText } from './partial-text.js';

/** What generation needs from an LM. */
export interface Generator {
  next(tokens: Int32Array): Promise<Float32Array>;
  detokenize(tokens: Int32Array): Promise<string>;
  tokenTexts(tokens: Int32Array): Promise<Map<number, string>>;
  endOfGeneration: Int32Array;
  contextSize: number | undefined;
}

/** The index of the largest value; the lowest in a tie. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) {
    if ((values[index] as number) > (values[best] as number)) best = index;
  }
  return best;
}

/** Throws NotSupportedError for options that need an engine's own generation. */
export function checkPortable({ sampler, grammar, contextShift }: CompletionRequest): void {
  const refuse = (what: string): never => {
    throw new NotSupportedError(`This LM supports greedy decoding only, without ${what}`);
  };
  if (sampler !== undefined && !sampler.isGreedy) refuse('a sampler');
  if (grammar !== '') refuse('a grammar');
  if (contextShift !== undefined) refuse('contextShift');
}

/** Appends the most likely token until a token, a stop string, a limit or an abort ends it. */
export async function generate(
  lm: Generator,
  prompt: Int32Array,
  request: CompletionRequest,
  emit: Emit,
  stopped: AbortSignal,
): Promise<Generation> {
  const decoder = new GreedyDecoder(lm, prompt, request, emit);
  try {
    while (!decoder.isFinished) await decoder.step(stopped);
  } catch (error) {
    if (!stopped.aborted) throw error;
    decoder.end('abort');
  }
  return decoder.generation();
}

class GreedyDecoder {
  readonly #lm: Generator;
  readonly #prompt: Int32Array;
  readonly #request: CompletionRequest;
  readonly #emit: Emit;
  readonly #ends: ReadonlySet<number>;
  readonly #text: PartialText;
  readonly #cost = noCost();
  readonly #start = performance.now();
  #firstTokenAt = 0;
  #lastTokenAt = 0;
  // Not preallocated: the limit may be far beyond what is ever generated.
  readonly #tokens: number[] = [];
  readonly #logprobs: number[] = [];
  readonly #alternatives: Candidate[][] = [];

  constructor(lm: Generator, prompt: Int32Array, request: CompletionRequest, emit: Emit) {
    this.#lm = lm;
    this.#prompt = prompt;
    this.#request = request;
    this.#emit = emit;
    this.#ends = new Set(lm.endOfGeneration);
    this.#text = new PartialText(request);
    this.#cost.usage.promptTokens = prompt.length;
  }

  get isFinished(): boolean {
    return this.#text.end !== undefined;
  }

  async step(stopped: AbortSignal): Promise<void> {
    stopped.throwIfAborted();
    const { maxTokens, topLogprobs, stopTokens, includeStop } = this.#request;
    const path = concatenate(this.#prompt, Int32Array.from(this.#tokens));
    if (path.length > (this.#lm.contextSize ?? Infinity)) return this.end('context');
    const distribution = await this.#next(path);
    const token = argmax(distribution);
    if (this.#ends.has(token)) return this.end('eog');

    const logprob = distribution[token] as number;
    this.#tokens.push(token);
    this.#logprobs.push(logprob);
    const alternatives = topLogprobs > 0 ? await this.#topTokens(distribution) : undefined;
    if (alternatives !== undefined) this.#alternatives.push(alternatives);
    const lengthBefore = this.#text.whole.length;
    const text = await this.#lm.detokenize(Int32Array.from(this.#tokens));
    const isStopped = this.#text.extendTo(text);
    if (!isStopped && stopTokens.includes(token)) {
      this.#text.close('stop', token, includeStop ? text.length : lengthBefore);
    } else if (!isStopped && this.#tokens.length === maxTokens) this.#text.close('length');
    const chunk = {
      text: this.#text.release(),
      tokens: Int32Array.of(token),
      logprobs: Float64Array.of(logprob),
    };
    this.#emit(alternatives === undefined ? chunk : { ...chunk, alternatives: [alternatives] });
  }

  end(reason: Generation['stopReason']): void {
    this.#text.close(reason);
    const text = this.#text.release();
    if (text === '') return;
    this.#emit({ text, tokens: new Int32Array(0), logprobs: new Float64Array(0) });
  }

  generation(): Generation {
    const { text = '', stopReason = 'abort', stop } = this.#text.end ?? {};
    return {
      text,
      tokens: Int32Array.from(this.#tokens),
      logprobs: Float64Array.from(this.#logprobs),
      ...(this.#request.topLogprobs > 0 ? { alternatives: this.#alternatives } : {}),
      stopReason,
      ...(stop === undefined ? {} : { stop }),
      firstTokenMs: Math.max(0, this.#firstTokenAt - this.#start),
      writeMs: this.#lastTokenAt - this.#firstTokenAt,
      ...this.#cost,
    };
  }

  async #next(path: Int32Array): Promise<Float32Array> {
    const { usage, timings } = this.#cost;
    const start = performance.now();
    const distribution = await this.#lm.next(path);
    this.#lastTokenAt = performance.now();
    if (usage.decodeCalls === 0) this.#firstTokenAt = this.#lastTokenAt;
    timings[usage.decodeCalls === 0 ? 'promptMs' : 'decodeMs'] += this.#lastTokenAt - start;
    usage.decodeCalls++;
    usage.decodedTokens += path.length;
    return distribution;
  }

  async #topTokens(distribution: Float32Array): Promise<Candidate[]> {
    const best = topCandidates(distribution, this.#request.topLogprobs);
    const texts = await this.#lm.tokenTexts(Int32Array.from(best, ({ token }) => token));
    return best.map(({ token, logprob }) => {
      return { token, text: texts.get(token) ?? '', logprob, probability: Math.exp(logprob) };
    });
  }
}
