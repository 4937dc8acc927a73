// The Engine: a Network with a queue, so that calls may overlap, and with a prefix cache. TfLM and
// `levels.ts` call it.

import { ClosedError, LMError } from '../common/errors.js';
import { logSoftmax } from '../common/log-softmax.js';
import type { Cost } from '../common/usage.js';
import type { Network, Output } from './network.js';
import type { Past } from './past.js';
import { PrefixCache } from './prefix-cache.js';

/** A decoded prompt. */
export interface DecodedPrompt {
  /** The next-token log-probabilities; a copy that the caller owns. */
  logprobs: Float32Array;
  /** To be released by the caller; undefined if the model has no usable past. */
  past: Past | undefined;
}

/** Options of an Engine. */
export interface EngineOptions {
  /** The number of prompt tokens decoded at once. */
  batchSize: number;
  /** The number of tokens that the prefix cache holds. */
  cacheTokens: number;
}

/** Decodes for one call at a time, in order of arrival. */
export class Engine {
  readonly #network: Network;
  readonly #batchSize: number;
  readonly #cache: PrefixCache;
  #queue: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(network: Network, { batchSize, cacheTokens }: EngineOptions) {
    this.#network = network;
    this.#batchSize = batchSize;
    this.#cache = new PrefixCache(cacheTokens);
  }

  /** Whether a forward pass can continue the past of an earlier one. */
  get keepsPast(): boolean {
    return this.#network.keepsPast;
  }

  /** Bytes of the keys and values of a token. */
  get bytesPerToken(): number {
    return this.#network.bytesPerToken;
  }

  /** The number of tokens of a row that are decoded at once. */
  get batchSize(): number {
    return this.#batchSize;
  }

  /**
   * Decodes the tokens that are not cached; returns the log-probabilities of the next token.
   *
   * @param cost accumulates the cost
   * @param shared how many tokens from the start may be shared with other calls: a longer sequence
   * is not cached, and only so many tokens of a cached one are reused
   */
  async decode(
    tokens: Int32Array,
    cost: Cost,
    signal: AbortSignal | undefined,
    shared = Infinity,
  ): Promise<DecodedPrompt> {
    return this.#turn(cost, signal, async () => {
      const found = this.keepsPast ? this.#cache.find(tokens) : undefined;
      const cached = found?.cached;
      const common = Math.min(shared, found?.shared ?? 0);
      if (common === tokens.length && common === cached?.tokens.length) {
        cost.usage.cachedTokens += common;
        return { logprobs: cached.logprobs.slice(), past: cached.past.share() };
      }
      // The last token is always decoded: its logits are needed.
      const reused = Math.min(common, tokens.length - 1);
      cost.usage.cachedTokens += reused;
      const past = reused > 0 ? cached?.past.pick([0], reused) : undefined;
      const output = await this.#decodeFrom(tokens, reused, past, cost, signal);
      const logprobs = checked(logSoftmax(output.logits(0, 0)));
      if (output.past !== undefined && tokens.length <= shared) {
        const continued = reused === cached?.tokens.length ? cached : undefined;
        const added = { tokens: tokens.slice(), past: output.past.share(), logprobs };
        this.#cache.add(added, continued);
      }
      return { logprobs: logprobs.slice(), past: output.past };
    });
  }

  /** One forward pass after a past, see {@link Network.forward}; nothing is cached. */
  step(
    tokens: Int32Array,
    past: Past,
    logitsCount: number,
    cost: Cost,
    signal: AbortSignal | undefined,
  ): Promise<Output> {
    return this.#turn(cost, signal, () =>
      this.#forward(tokens, past.rows, past, logitsCount, cost),
    );
  }

  /** Waits for the current forward pass and frees everything. Queued calls get a ClosedError. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#queue;
    this.#cache.clear();
    await this.#network.dispose();
  }

  /** Decodes the tokens from index `from`, a batch at a time. Releases the past `before`. */
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
      // Without a past a sequence cannot be continued: decode all of it at once.
      const size = this.keepsPast ? this.#batchSize : tokens.length;
      const batch = tokens.subarray(start, start + size);
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
    logitsCount: number,
    { usage }: Cost,
  ): Promise<Output> {
    const output = await this.#network.forward(tokens, rows, past, logitsCount);
    usage.decodeCalls++;
    usage.decodedTokens += tokens.length;
    return output;
  }

  /** Runs work when all earlier calls are done. */
  async #turn<T>(
    { timings }: Cost,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    const start = performance.now();
    const turn = this.#queue.then(() => {
      timings.queueMs += performance.now() - start;
      this.#check(signal);
      return work();
    });
    this.#queue = turn.catch(() => {});
    return turn;
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new ClosedError('The LM is closed');
  }
}

function checked(logprobs: Float32Array): Float32Array {
  if (!Number.isNaN(logprobs[0])) return logprobs;
  throw new LMError('The model returned non-finite logits', { code: 'INVALID_LOGPROBS' });
}
