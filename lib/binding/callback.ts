// The callback of a generation: what it receives, and how what it returns or throws ends the
// generation.

import type { StopReason } from '../common/completion.js';
import { MSG_OPERATION_TYPE } from './operation-type.js';

/** What a callback is told with a chunk. */
export interface CallbackMetadata {
  /** Generated tokens as a fraction of `maxTokens`; missing without a limit. */
  progress?: number;
  /** Tokens generated so far. */
  tokensGenerated: number;
  /** The limit, `nPredict`; may be Infinity. */
  maxTokens: number;
  /** Tokens of this chunk. */
  tokenCount: number;
  /** The sampler's temperature; missing if it is left to a server. */
  temperature?: number;
  /** Why the generation ended: with the last chunk only, whose text is empty. */
  finishReason?: StopReason;
}

/**
 * Receives each chunk of a generation. Returning `false`, or a promise of it, stops the generation;
 * throwing, or a rejection, makes it reject. A promise is not waited for before the next chunk.
 */
export type GenerationCallback = (
  chunk: string,
  type: MSG_OPERATION_TYPE,
  metadata: CallbackMetadata,
) => unknown;

/** Calls the callback of one generation. */
export class CallbackCaller {
  readonly #callback: GenerationCallback;
  readonly #stop: () => void;
  readonly #pending = new Set<Promise<void>>();
  #failure: { reason: unknown } | undefined;
  #isStopped = false;

  /** @param stop ends the generation */
  constructor(callback: GenerationCallback, stop: () => void) {
    this.#callback = callback;
    this.#stop = stop;
  }

  /** Whether the callback has ended the generation. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Passes on a chunk, unless the callback has ended the generation. */
  call(chunk: string, metadata: CallbackMetadata): void {
    if (this.#isStopped) return;
    try {
      const result = this.#callback(
        chunk,
        MSG_OPERATION_TYPE.MSG_OPERATION_TYPE_ADD_CHUNK,
        metadata,
      );
      if (result === false) this.#end();
      else if (isThenable(result)) this.#follow(result);
    } catch (reason) {
      this.#fail(reason);
    }
  }

  /** Waits for the callback's promises. Throws what it threw. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  #follow(result: PromiseLike<unknown>): void {
    const following = (async () => {
      try {
        if ((await result) === false) this.#end();
      } catch (reason) {
        this.#fail(reason);
      }
    })();
    this.#pending.add(following);
    void following.then(() => this.#pending.delete(following));
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#end();
  }

  #end(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#stop();
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
