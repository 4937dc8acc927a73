// The Engine: a Network with a queue and a prefix cache, so that calls may overlap, and what was
// decoded is not decoded again. TfLM and `levels.ts` call it.

import { ClosedError, LMError } from '../common/errors.js';
import { logSoftmax } from '../common/log-softmax.js';
import type { Cost } from '../common/usage.js';
import type { Network, Output } from './network.js';
import type { Past } from './past.js';
import { PrefixCache } from './prefix-cache.js';

/** A prompt that is decoded. */
export interface DecodedPrompt {
  /** Of the next token; its reader's own. */
  logprobs: Float32Array;
  /** Its reader's to release; undefined where the model keeps none. */
  past: Past | undefined;
}

/** What an Engine is told. */
export interface EngineOptions {
  /** How many tokens of a prompt are decoded at once. */
  batchSize: number;
  /** How many tokens the prefix cache has room for. */
  cacheTokens: number;
}

/** Decodes for one call at a time, in the order in which they came. */
export class Engine {
  readonly #network: Network;
  readonly #batchSize: number;
  readonly #cache: PrefixCache;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(network: Network, { batchSize, cacheTokens }: EngineOptions) {
    this.#network = network;
    this.#batchSize = batchSize;
    this.#cache = new PrefixCache(cacheTokens);
  }

  /** Whether what is decoded can be gone on from. */
  get keepsPast(): boolean {
    return this.#network.keepsPast;
  }

  /** Bytes that are kept of a decoded token. */
  get bytesPerToken(): number {
    return this.#network.bytesPerToken;
  }

  /** How many tokens of a row are decoded at once. */
  get batchSize(): number {
    return this.#batchSize;
  }

  /**
   * What comes after these tokens, of which only those are decoded that are not cached.
   *
   * @param cost what it costs is added to it
   * @param shared how many tokens of the beginning may be shared with other calls: what is longer
   * is not kept
   */
  async decode(
    tokens: Int32Array,
    cost: Cost,
    signal: AbortSignal | undefined,
    shared = Infinity,
  ): Promise<DecodedPrompt> {
    return this.#turn(cost, signal, async () => {
      const found = this.keepsPast ? this.#cache.find(tokens) : undefined;
      const kept = found?.kept;
      const common = Math.min(shared, found?.shared ?? 0);
      if (common === tokens.length && common === kept?.tokens.length) {
        cost.usage.cachedTokens += common;
        return { logprobs: kept.logprobs.slice(), past: kept.past.share() };
      }
      // The last token is always decoded: what comes after it is asked for.
      const cached = Math.min(common, tokens.length - 1);
      cost.usage.cachedTokens += cached;
      const past = cached > 0 ? kept?.past.pick([0], cached) : undefined;
      const output = await this.#decodeFrom(tokens, cached, past, cost, signal);
      const logprobs = checked(logSoftmax(output.logits(0, 0)));
      if (output.past !== undefined && tokens.length <= shared) {
        const continued = cached === kept?.tokens.length ? kept : undefined;
        const own = { tokens: tokens.slice(), past: output.past.share(), logprobs };
        this.#cache.add(own, continued);
      }
      return { logprobs: logprobs.slice(), past: output.past };
    });
  }

  /** One forward after a past, as {@link Network.forward} has it; nothing is cached. */
  step(
    tokens: Int32Array,
    past: Past,
    wanted: number,
    cost: Cost,
    signal: AbortSignal | undefined,
  ): Promise<Output> {
    return this.#turn(cost, signal, () => this.#forward(tokens, past.rows, past, wanted, cost));
  }

  /** Waits for what is decoded now, and frees everything. What waits rejects with ClosedError. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
    this.#cache.clear();
    await this.#network.dispose();
  }

  /** Decodes the rest of the tokens, a batch at a time. Releases the past that it is given. */
  async #decodeFrom(
    tokens: Int32Array,
    from: number,
    before: Past | undefined,
    cost: Cost,
    signal: AbortSignal | undefined,
  ): Promise<Output> {
    let past = before;
    let start = from;
    for (;;) {
      // Without a past there is no way to go on: then all is decoded at once.
      const room = this.keepsPast ? this.#batchSize : tokens.length;
      const batch = tokens.subarray(start, start + room);
      let output: Output;
      try {
        this.#check(signal);
        output = await this.#forward(batch, 1, past, 1, cost);
      } finally {
        past?.release();
      }
      start += batch.length;
      if (start === tokens.length) return output;
      past = output.past;
      if (past === undefined) start = 0;
    }
  }

  async #forward(
    tokens: Int32Array,
    rows: number,
    past: Past | undefined,
    wanted: number,
    { usage }: Cost,
  ): Promise<Output> {
    const output = await this.#network.forward(tokens, rows, past, wanted);
    usage.decodeCalls++;
    usage.decodedTokens += tokens.length;
    return output;
  }

  async #turn<T>(
    { timings }: Cost,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    const start = performance.now();
    const turn = this.#last.then(() => {
      timings.queueMs += performance.now() - start;
      this.#check(signal);
      return work();
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new ClosedError('The LM is closed');
  }
}

function checked(logprobs: Float32Array): Float32Array {
  if (!Number.isNaN(logprobs[0])) return logprobs;
  throw new LMError('The model gave logits that are no numbers', { code: 'INVALID_LOGPROBS' });
}
