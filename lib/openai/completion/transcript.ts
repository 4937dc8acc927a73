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
import type { RemoteUsage, ResponseChunk } from '../http/responses.js';
import { type TokenReader, unknownTokenId } from './token-reader.js';

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
interface TokenText {
  step: RemoteStep;
  text: string;
}

const finishReasons: Record<string, 'eog' | 'length'> = {
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
  hasEmitted = false;
  /** A finish reason that is not known, unless text followed it. */
  #unknownReason: string | undefined;
  /** Whether some of the text came without tokens. */
  lacksTokens = false;
  readonly #request: TranscriptRequest;
  readonly #tokenReader: TokenReader;
  readonly #emit: Emit | undefined;
  readonly #text: PartialText;
  readonly #start = performance.now();
  #firstMs = 0;
  #lastMs = 0;
  readonly #tokens: number[] = [];
  readonly #logprobs: number[] = [];
  readonly #alternatives: Candidate[][] = [];
  /** The last token if it appended no text: it may be the end-of-generation token. */
  #held: TokenText | undefined;
  #usage: RemoteUsage | undefined;
  #isFinished = false;

  constructor(request: TranscriptRequest, tokenReader: TokenReader, emit: Emit | undefined) {
    this.#request = request;
    this.#tokenReader = tokenReader;
    this.#emit = emit;
    this.#text = new PartialText(request);
  }

  /** Whether nothing that follows belongs to the completion. */
  get isEnded(): boolean {
    return this.#text.end !== undefined;
  }

  /** Whether it ended before the server finished, so that the request can be canceled. */
  get isCut(): boolean {
    return this.isEnded && !this.#isFinished;
  }

  /** Whether there is a partial completion. */
  get hasText(): boolean {
    return this.#text.whole !== '' || this.#tokens.length > 0;
  }

  async append({ text, steps, finishReason, usage }: ResponseChunk): Promise<void> {
    this.#usage = usage ?? this.#usage;
    if (this.isEnded) return;
    if (text !== '' || (steps?.length ?? 0) > 0) {
      this.#lastMs = performance.now();
      if (this.#firstMs === 0) this.#firstMs = this.#lastMs;
    }
    if (text !== '' && (steps === undefined || steps.length === 0)) this.#appendText(text);
    for (const part of splitText(text, steps ?? [])) {
      if (this.isEnded) break;
      await this.#flushHeld();
      // The server generates more than was requested.
      if (this.#isFull) this.end('length');
      else if (part.text === '') this.#held = part;
      else await this.#appendToken(part);
    }
    // An unknown word is the end only if nothing follows: some servers send one with every chunk.
    if (text !== '') this.#unknownReason = undefined;
    if (finishReason === undefined || this.isEnded) return;
    if (Object.hasOwn(finishReasons, finishReason)) await this.#finish(finishReason);
    else this.#unknownReason = finishReason;
  }

  /** Ends the completion. */
  end(reason: Generation['stopReason']): void {
    this.#text.close(reason);
    const text = this.#text.release();
    if (text !== '')
      this.#emitChunk({ text, tokens: new Int32Array(0), logprobs: new Float64Array(0) });
  }

  /** The response ended without a known finish reason. */
  async endWithoutReason(): Promise<void> {
    if (this.isEnded) return;
    await this.#finish(this.#unknownReason ?? (this.#isFull ? 'length' : 'stop'));
  }

  /**
   * The result. `requests` is the number of attempts; the last one was sent `queueMs` after the
   * first.
   */
  generation(requests: number, queueMs: number): Generation {
    const { text = this.#text.whole, stopReason = 'abort', stop } = this.#text.end ?? {};
    const { usage, timings } = noCost();
    const reported = this.#usage;
    const generated = reported?.completionTokens || this.#tokens.length;
    usage.promptTokens = reported?.promptTokens || (this.#request.promptTokens ?? 0);
    usage.cachedTokens = reported?.cachedTokens ?? 0;
    usage.decodedTokens = usage.promptTokens - usage.cachedTokens + generated;
    usage.decodeCalls = requests;
    timings.queueMs = queueMs;
    timings.promptMs = Math.max(0, this.#firstMs - this.#start);
    timings.decodeMs = this.#lastMs - this.#firstMs;
    return {
      text,
      tokens: Int32Array.from(this.#tokens),
      logprobs: Float64Array.from(this.#logprobs),
      ...(this.#request.topLogprobs > 0 ? { alternatives: this.#alternatives } : {}),
      stopReason: stopReason === 'length' ? this.#lengthReason(generated) : stopReason,
      ...(stop === undefined ? {} : { stop }),
      firstTokenMs: timings.promptMs,
      writeMs: timings.decodeMs,
      usage,
      timings,
    };
  }

  get #isFull(): boolean {
    return !this.lacksTokens && this.#tokens.length >= this.#request.maxTokens;
  }

  /** Fewer tokens than requested mean that the context is full. */
  #lengthReason(generated: number): 'length' | 'context' {
    const counted = this.#usage === undefined || this.#usage.completionTokens === 0;
    return counted || generated >= this.#request.maxTokens ? 'length' : 'context';
  }

  #appendText(text: string): void {
    this.#requireTokens();
    this.lacksTokens = true;
    this.#text.extendTo(this.#text.whole + text);
    const released = this.#text.release();
    if (released === '') return;
    this.#emitChunk({ text: released, tokens: new Int32Array(0), logprobs: new Float64Array(0) });
  }

  #requireTokens(): void {
    const { stopTokens, topLogprobs } = this.#request;
    if (stopTokens.length > 0) {
      throw new NotSupportedError(
        'The server does not report tokens, so token ids cannot be stops',
      );
    }
    if (topLogprobs > 0) throw new NotSupportedError('The server does not report topLogprobs');
  }

  async #flushHeld(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) await this.#appendToken(held);
  }

  async #appendToken({ step, text }: TokenText): Promise<void> {
    const { stopTokens, includeStop, topLogprobs, endOfGeneration } = this.#request;
    const token = await this.#tokenReader.idOf(step);
    if (endOfGeneration.includes(token)) return this.end('eog');
    if (token === unknownTokenId && stopTokens.length > 0) this.#requireTokens();
    // Only the ids of omitted tokens are known.
    for (const missing of await this.#tokenReader.omittedBefore(step, text)) {
      this.#addToken(missing, Number.NaN, topLogprobs > 0 ? [] : undefined, '');
    }
    const alternatives = topLogprobs > 0 ? await this.#topCandidates(step) : undefined;
    const before = this.#text.whole.length;
    const isStopped = this.#text.extendTo(this.#text.whole + text);
    if (!isStopped && stopTokens.includes(token)) {
      this.#text.close('stop', token, includeStop ? this.#text.whole.length : before);
    }
    this.#addToken(token, step.logprob, alternatives, this.#text.release());
  }

  #addToken(
    token: number,
    logprob: number,
    alternatives: Candidate[] | undefined,
    text: string,
  ): void {
    this.#tokens.push(token);
    this.#logprobs.push(logprob);
    if (alternatives !== undefined) this.#alternatives.push(alternatives);
    const chunk = { text, tokens: Int32Array.of(token), logprobs: Float64Array.of(logprob) };
    this.#emitChunk(
      alternatives === undefined ? chunk : { ...chunk, alternatives: [alternatives] },
    );
  }

  #emitChunk(chunk: CompletionChunk): void {
    if (this.#emit === undefined) return;
    this.hasEmitted = true;
    this.#emit(chunk);
  }

  async #topCandidates({ top }: RemoteStep): Promise<Candidate[]> {
    return Promise.all(
      top.slice(0, this.#request.topLogprobs).map(async (other) => {
        const { logprob } = other;
        const token = await this.#tokenReader.idOf(other);
        const text = await this.#tokenReader.textOf(token, other.text);
        return { token, text, logprob, probability: Math.exp(logprob) };
      }),
    );
  }

  async #finish(reason: string): Promise<void> {
    this.#isFinished = true;
    const known = Object.hasOwn(finishReasons, reason) ? finishReasons[reason] : undefined;
    const isEnd =
      known === 'eog' && this.#held !== undefined && !isPartialCharacter(this.#held.step);
    if (isEnd) this.#held = undefined;
    await this.#flushHeld();
    if (this.isEnded) return;
    if (known === undefined) {
      const message = `The server ended the completion with an unknown finish reason: ${reason}`;
      throw new Failure(message, { isRetryable: false });
    }
    this.end(known);
  }
}

/** Whether a token ends in mid-character, so that it has no text yet. */
function isPartialCharacter({ text, bytes }: RemoteStep): boolean {
  if (bytes === undefined) return text.includes('\ufffd');
  return bytes.length > 0 && Buffer.from(bytes).toString().includes('\ufffd');
}

/**
 * Assigns each token its part of the text. If that cannot be determined, the last token gets all.
 */
function splitText(text: string, steps: readonly RemoteStep[]): TokenText[] {
  const isExact = steps.map((step) => step.text).join('') === text;
  return steps.map((step, index) => {
    if (isExact) return { step, text: step.text };
    return { step, text: index === steps.length - 1 ? text : '' };
  });
}
