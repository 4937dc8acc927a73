// One text while a server writes it: its tokens, its end, what its reader may see. The same as
// `generate.ts` does where the model is in process. `writing.ts` feeds it.

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

/** What a transcript needs to know of its request. */
export interface TranscriptRequest
  extends Pick<
    CompletionRequest,
    'maxTokens' | 'stops' | 'stopTokens' | 'includeStop' | 'topLogprobs'
  > {
  endOfGeneration: Int32Array;
  /** As far as it is known without the server. */
  promptTokens: number | undefined;
}

/** A token, and what it adds to the text. */
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

/** One text in the making. */
export class Transcript {
  /** Whether a reader got something. */
  isHandedOut = false;
  /** Whether some of the text came without its tokens. */
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
  /** The last token, where it added no text: it may be the one that ends the text. */
  #held: Told | undefined;
  #usage: RemoteUsage | undefined;
  #isFinished = false;

  constructor(request: TranscriptRequest, tokensOf: TokenReader, emit: Emit | undefined) {
    this.#request = request;
    this.#tokensOf = tokensOf;
    this.#emit = emit;
    this.#text = new PartialText(request);
  }

  /** Whether nothing that may come belongs to the text. */
  get isOver(): boolean {
    return this.#text.end !== undefined;
  }

  /** Whether it ended before the server did, so that there is nothing to wait for. */
  get isCut(): boolean {
    return this.isOver && !this.#isFinished;
  }

  /** Whether there is something to show. */
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
      // A server that goes on beyond what was asked for.
      if (this.#isFull) this.end('length');
      else if (told.text === '') this.#held = told;
      else await this.#take(told);
    }
    if (finishReason !== undefined && !this.isOver) await this.#finish(finishReason);
  }

  /** No more comes. */
  end(reason: Generation['stopReason']): void {
    this.#text.close(reason);
    const text = this.#text.release();
    if (text !== '') this.#hand({ text, tokens: new Int32Array(0), logprobs: new Float64Array(0) });
  }

  /** The server says that it is through, without a reason. */
  async endQuietly(): Promise<void> {
    if (!this.isOver) await this.#finish(this.#isFull ? 'length' : 'stop');
  }

  /** What was written, after so many requests, the last of which began so long after the first. */
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

  /** Fewer tokens than were asked for: there was no room for more. */
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
    // What a server left out has nothing known but its id.
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

/** Whether a token's bytes are a part of a character, so that it had no text yet. */
function isCutCharacter({ text, bytes }: RemoteStep): boolean {
  if (bytes === undefined) return text.includes('\ufffd');
  return bytes.length > 0 && Buffer.from(bytes).toString().includes('\ufffd');
}

/** Which token added which part of a text; where that cannot be told, the last added all. */
function partsOf(text: string, steps: readonly RemoteStep[]): Told[] {
  const isExact = steps.map((step) => step.text).join('') === text;
  return steps.map((step, index) => {
    if (isExact) return { step, text: step.text };
    return { step, text: index === steps.length - 1 ? text : '' };
  });
}
