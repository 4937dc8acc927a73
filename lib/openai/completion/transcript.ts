// Accumulates one completion while a server generates it: its tokens, its end, and the chunks for a
// reader. The counterpart of `lib/generation/generate.ts` for models in process. `attempts.ts`
// feeds it.

import type { Candidate } from '../../common/candidate.js';
import type { CompletionChunk } from '../../common/completion.js';
import { NotSupportedError } from '../../common/errors.js';
import { noCost } from '../../common/usage.js';
import type { CompletionRequest } from '../../generation/completion-options.js';
import type { Emit, Generation } from '../../generation/generation.js';
import { PartialText } from '../../generation/partial-text.js';
import { Failure } from '../http/failure.js';
import type { RemoteStep } from '../http/logprobs.js';
import type { Piece, RemoteUsage } from '../http/responses.js';
import { type TokenReader, unknownToken } from './token-reader.js';

/** The parts of a request that a transcript needs. */
export interface TranscriptRequest
  extends Pick<
    CompletionRequest,
    'maxTokens' | 'stops' | 'stopTokens' | 'includeStop' | 'topLogprobs'
  > {
  endOfGeneration: Int32Array;
  /** Undefined if only the server can count them. */
  promptTokens: number | undefined;
}

/** A token, and what it appends to the text. */
interface Told {
  step: RemoteStep;
  text: string;
}

const finishes: Record<string, 'eog' | 'length'> = {
  stop: 'eog',
  eos: 'eog',
  eos_token: 'eog',
  end_turn: 'eog',
  length: 'length',
  max_tokens: 'length',
};

/** One completion being built. */
export class Transcript {
  /** Whether the reader has received a chunk. */
  isHandedOut = false;
  /** Whether some of the text came without tokens. */
  isUntold = false;
  readonly #request: TranscriptRequest;
  readonly #tokensOf: TokenReader;
  readonly #emit: Emit | undefined;
  readonly #text: PartialText;
  readonly #start = performance.now();
  #first = 0;
  #last = 0;
  readonly #tokens: number[] = [];
  readonly #logprobs: number[] = [];
  readonly #alternatives: Candidate[][] = [];
  /** The last token if it appended no text: it may be the end-of-generation token. */
  #held: Told | undefined;
  #usage: RemoteUsage | undefined;
  #isFinished = false;

  constructor(request: TranscriptRequest, tokensOf: TokenReader, emit: Emit | undefined) {
    this.#request = request;
    this.#tokensOf = tokensOf;
    this.#emit = emit;
    this.#text = new PartialText(request);
  }

  /** Whether nothing that follows belongs to the completion. */
  get isOver(): boolean {
    return this.#text.end !== undefined;
  }

  /** Whether it ended before the server finished, so that the request can be canceled. */
  get isCut(): boolean {
    return this.isOver && !this.#isFinished;
  }

  /** Whether there is a partial completion. */
  get hasText(): boolean {
    return this.#text.whole !== '' || this.#tokens.length > 0;
  }

  async take({ text, steps, finishReason, usage }: Piece): Promise<void> {
    this.#usage = usage ?? this.#usage;
    if (this.isOver) return;
    if (text !== '' || (steps?.length ?? 0) > 0) {
      this.#last = performance.now();
      if (this.#first === 0) this.#first = this.#last;
    }
    if (text !== '' && (steps === undefined || steps.length === 0)) this.#takeText(text);
    for (const told of partsOf(text, steps ?? [])) {
      if (this.isOver) break;
      await this.#takeHeld();
      // The server generates more than was requested.
      if (this.#isFull) this.end('length');
      else if (told.text === '') this.#held = told;
      else await this.#take(told);
    }
    if (finishReason !== undefined && !this.isOver) await this.#finish(finishReason);
  }

  /** Ends the completion. */
  end(reason: Generation['stopReason']): void {
    this.#text.close(reason);
    const text = this.#text.release();
    if (text !== '') this.#hand({ text, tokens: new Int32Array(0), logprobs: new Float64Array(0) });
  }

  /** The response ended without a finish reason. */
  async endQuietly(): Promise<void> {
    if (!this.isOver) await this.#finish(this.#isFull ? 'length' : 'stop');
  }

  /**
   * The result. `requests` is the number of attempts; the last one was sent `queueMs` after the
   * first.
   */
  generation(requests: number, queueMs: number): Generation {
    const { text = this.#text.whole, stopReason = 'abort', stop } = this.#text.end ?? {};
    const { usage, timings } = noCost();
    const told = this.#usage;
    const written = told?.completionTokens || this.#tokens.length;
    usage.promptTokens = told?.promptTokens || (this.#request.promptTokens ?? 0);
    usage.cachedTokens = told?.cachedTokens ?? 0;
    usage.decodedTokens = usage.promptTokens - usage.cachedTokens + written;
    usage.decodeCalls = requests;
    timings.queueMs = queueMs;
    timings.promptMs = Math.max(0, this.#first - this.#start);
    timings.decodeMs = this.#last - this.#first;
    return {
      text,
      tokens: Int32Array.from(this.#tokens),
      logprobs: Float64Array.from(this.#logprobs),
      ...(this.#request.topLogprobs > 0 ? { alternatives: this.#alternatives } : {}),
      stopReason: stopReason === 'length' ? this.#lengthOr(written) : stopReason,
      ...(stop === undefined ? {} : { stop }),
      firstTokenMs: timings.promptMs,
      writeMs: timings.decodeMs,
      usage,
      timings,
    };
  }

  get #isFull(): boolean {
    return !this.isUntold && this.#tokens.length >= this.#request.maxTokens;
  }

  /** Fewer tokens than requested mean that the context is full. */
  #lengthOr(written: number): 'length' | 'context' {
    const counted = this.#usage === undefined || this.#usage.completionTokens === 0;
    return counted || written >= this.#request.maxTokens ? 'length' : 'context';
  }

  #takeText(text: string): void {
    this.#checkTold();
    this.isUntold = true;
    this.#text.extendTo(this.#text.whole + text);
    const written = this.#text.release();
    if (written === '') return;
    this.#hand({ text: written, tokens: new Int32Array(0), logprobs: new Float64Array(0) });
  }

  #checkTold(): void {
    const { stopTokens, topLogprobs } = this.#request;
    if (stopTokens.length > 0) {
      throw new NotSupportedError(
        'The server does not tell tokens, so that no token id can be a stop',
      );
    }
    if (topLogprobs > 0) throw new NotSupportedError('The server gives no topLogprobs');
  }

  async #takeHeld(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) await this.#take(held);
  }

  async #take({ step, text }: Told): Promise<void> {
    const { stopTokens, includeStop, topLogprobs, endOfGeneration } = this.#request;
    const token = await this.#tokensOf.idOf(step);
    if (endOfGeneration.includes(token)) return this.end('eog');
    if (token === unknownToken && stopTokens.length > 0) this.#checkTold();
    // Only the ids of omitted tokens are known.
    for (const missing of await this.#tokensOf.leftOut(step, text)) {
      this.#add(missing, Number.NaN, topLogprobs > 0 ? [] : undefined, '');
    }
    const alternatives = topLogprobs > 0 ? await this.#likeliest(step) : undefined;
    const before = this.#text.whole.length;
    const isStopped = this.#text.extendTo(this.#text.whole + text);
    if (!isStopped && stopTokens.includes(token)) {
      this.#text.close('stop', token, includeStop ? this.#text.whole.length : before);
    }
    this.#add(token, step.logprob, alternatives, this.#text.release());
  }

  #add(token: number, logprob: number, alternatives: Candidate[] | undefined, text: string): void {
    this.#tokens.push(token);
    this.#logprobs.push(logprob);
    if (alternatives !== undefined) this.#alternatives.push(alternatives);
    const chunk = { text, tokens: Int32Array.of(token), logprobs: Float64Array.of(logprob) };
    this.#hand(alternatives === undefined ? chunk : { ...chunk, alternatives: [alternatives] });
  }

  #hand(chunk: CompletionChunk): void {
    if (this.#emit === undefined) return;
    this.isHandedOut = true;
    this.#emit(chunk);
  }

  async #likeliest({ top }: RemoteStep): Promise<Candidate[]> {
    return Promise.all(
      top.slice(0, this.#request.topLogprobs).map(async (other) => {
        const { logprob } = other;
        const token = await this.#tokensOf.idOf(other);
        const text = await this.#tokensOf.textOf(token, other.text);
        return { token, text, logprob, probability: Math.exp(logprob) };
      }),
    );
  }

  async #finish(reason: string): Promise<void> {
    this.#isFinished = true;
    const known = Object.hasOwn(finishes, reason) ? finishes[reason] : undefined;
    const isEnd = known === 'eog' && this.#held !== undefined && !isCutCharacter(this.#held.step);
    if (isEnd) this.#held = undefined;
    await this.#takeHeld();
    if (this.isOver) return;
    if (known === undefined) {
      const message = `The server ended the text for a reason of its own: ${reason}`;
      throw new Failure(message, { mayPass: false });
    }
    this.end(known);
  }
}

/** Whether a token ends in mid-character, so that it has no text yet. */
function isCutCharacter({ text, bytes }: RemoteStep): boolean {
  if (bytes === undefined) return text.includes('\ufffd');
  return bytes.length > 0 && Buffer.from(bytes).toString().includes('\ufffd');
}

/**
 * Assigns each token its part of the text. If that cannot be determined, the last token gets all.
 */
function partsOf(text: string, steps: readonly RemoteStep[]): Told[] {
  const isExact = steps.map((step) => step.text).join('') === text;
  return steps.map((step, index) => {
    if (isExact) return { step, text: step.text };
    return { step, text: index === steps.length - 1 ? text : '' };
  });
}
