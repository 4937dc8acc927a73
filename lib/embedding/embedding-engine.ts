// Owns the native context of an Embedder, from creation to close. `lib/embedding/embedder.ts` runs
// every job through it.

import { raceAbort } from '../common/abort.js';
import { ClosedError, NotSupportedError } from '../common/errors.js';
import type { Cost } from '../common/usage.js';
import { hold, type Model, nativeOf } from '../model/model.js';
import { type NativeEmbedder, type NativeEmbedderInfo, native } from '../native/binding.js';
import { runJob } from '../native/job.js';
import { costFromNative } from '../native/usage.js';
import { defaultNorm, type EmbeddingRequest } from './embedding-options.js';

/** The concatenated vectors of several texts. */
export interface Vectors extends Cost {
  values: Float32Array;
}

/** A native embedding context: being built, ready, or closed. */
export class EmbeddingEngine {
  readonly model: Model;
  /** Resolves when the context is built; rejects if it cannot be. */
  readonly ready: Promise<void>;
  readonly #request: EmbeddingRequest;
  readonly #ownsModel: boolean;
  readonly #opening: Promise<NativeEmbedder>;
  #release = async (): Promise<void> => {};
  #info: NativeEmbedderInfo | undefined;
  #closing: Promise<void> | undefined;

  constructor(model: Model, request: EmbeddingRequest, ownsModel: boolean) {
    this.model = model;
    this.#request = request;
    this.#ownsModel = ownsModel;
    this.#opening = this.#open();
    this.ready = this.#opening.then(() => undefined);
    // Avoids an unhandled rejection: every call reports the failure, too.
    this.ready.catch(() => {});
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** The context's parameters. Undefined until {@link ready} resolves. */
  get info(): NativeEmbedderInfo | undefined {
    return this.#info;
  }

  assertOpen(): void {
    if (this.closed) throw new ClosedError('The embedder is closed');
  }

  /** Embeds tokenized texts, after the calls queued before it. */
  async run(texts: readonly Int32Array[], signal: AbortSignal | undefined): Promise<Vectors> {
    const embedder = await raceAbort(this.#opening, signal);
    this.assertOpen();
    const lengths = Int32Array.from(texts, (text) => text.length);
    const tokens = new Int32Array(lengths.reduce((total, length) => total + length, 0));
    let offset = 0;
    for (const text of texts) {
      tokens.set(text, offset);
      offset += text.length;
    }
    const norm = this.#request.norm ?? defaultNorm;
    const { values, usage } = await runJob((cancellation) => {
      return embedder.embed(tokens, lengths, norm, cancellation);
    }, signal);
    return { values, ...costFromNative(usage) };
  }

  /** Cancels running jobs, waits for them, and frees the context, and the model if owned. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #open(): Promise<NativeEmbedder> {
    const release = hold(this.model);
    const { native: options, pooling, norm } = this.#request;
    try {
      return await runJob(async () => {
        const embedder = await native.createEmbedder(nativeOf(this.model), options, pooling);
        const info = embedder.info();
        if (info.pooling === 'rank' && norm !== undefined) {
          await embedder.close();
          throw new NotSupportedError(
            'This model ranks or classifies: its outputs cannot be normalized',
          );
        }
        this.#info = info;
        this.#release = release;
        return embedder;
      });
    } catch (error) {
      await release();
      throw error;
    }
  }

  async #close(): Promise<void> {
    const embedder = await this.#opening.catch(() => undefined);
    await runJob(async () => embedder?.close());
    await this.#release();
    if (this.#ownsModel) await this.model.close();
  }
}
