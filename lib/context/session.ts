// Session: owns the native context that a LLaMa and its variants share, from creation to close.
// `lib/llama.ts` runs every job through it.

import { raceAbort } from '../common/abort.js';
import { ClosedError } from '../common/errors.js';
import type { ScaledAdapter } from '../model/adapter-use.js';
import { hold, type Model, nativeAdapterOf, nativeOf } from '../model/model.js';
import {
  type NativeCancellation,
  type NativeSession,
  type NativeSessionInfo,
  type NativeSessionOptions,
  native,
} from '../native/binding.js';
import { runJob } from '../native/job.js';
import { type ContextInfo, makeContextInfo } from './context-info.js';

/** A native context: being built, ready, or closed. */
export class Session {
  readonly model: Model;
  /** Resolves when the context is built; rejects if it cannot be. */
  readonly ready: Promise<void>;
  readonly #options: NativeSessionOptions;
  readonly #ownsModel: boolean;
  readonly #opening: Promise<NativeSession>;
  #release = async (): Promise<void> => {};
  #info: NativeSessionInfo | undefined;
  #contextInfo: ContextInfo | undefined;
  #adapters: readonly ScaledAdapter[] = Object.freeze([]);
  #steering = '';
  #revision = 0;
  #closing: Promise<void> | undefined;

  constructor(model: Model, options: NativeSessionOptions, ownsModel: boolean) {
    this.model = model;
    this.#options = options;
    this.#ownsModel = ownsModel;
    this.#opening = this.#open();
    this.ready = this.#opening.then(() => undefined);
    // Avoids an unhandled rejection: every call reports the failure, too.
    this.ready.catch(() => {});
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** The size as built, possibly a little larger than requested. Until built: as requested. */
  get contextSize(): number {
    return this.#info?.contextSize ?? this.#options.contextSize;
  }

  /** Whether an encoder reads prompts. */
  get encoderDecoder(): boolean {
    return this.model.info.encoderDecoder;
  }

  /** The context's parameters, as the engine reports them. Throws until {@link ready} resolves. */
  get limits(): NativeSessionInfo {
    if (this.#info === undefined) throw new ClosedError('The context is not ready yet');
    return this.#info;
  }

  /** The context's parameters, for users. Throws until {@link ready} resolves. */
  get contextInfo(): ContextInfo {
    if (this.#contextInfo === undefined) throw new ClosedError('The context is not ready yet');
    return this.#contextInfo;
  }

  /** The adapters in use. */
  get adapters(): readonly ScaledAdapter[] {
    return this.#adapters;
  }

  /** Identifies adapters and control vector: a saved state is valid only if this is the same. */
  get steering(): string {
    return this.#steering;
  }

  /** Increases whenever the adapters or the control vector change, or are about to. */
  get revision(): number {
    return this.#revision;
  }

  /** Replaces the adapters in use. */
  async setAdapters(
    adapters: readonly ScaledAdapter[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const scales = Float64Array.from(adapters, ({ scale }) => scale);
    await this.#steer((session, cancellation) => {
      const natives = adapters.map(({ adapter }) => nativeAdapterOf(adapter));
      return session.setAdapters(natives, scales, cancellation).then((steering) => {
        this.#adapters = adapters;
        return steering;
      });
    }, signal);
  }

  /** Replaces the control vector in use. `data` has one row per layer, from layer 1 on. */
  async setControlVector(data: Float32Array, signal: AbortSignal | undefined): Promise<void> {
    await this.#steer((session, cancellation) => {
      return session.setControlVector(data, cancellation);
    }, signal);
  }

  /** Runs a job on the context's thread, after the jobs queued before it. */
  async run<T>(
    start: (session: NativeSession, cancellation: NativeCancellation) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const session = await raceAbort(this.#opening, signal);
    this.assertOpen();
    return runJob((cancellation) => start(session, cancellation), signal);
  }

  /** The context's parameters, as requested. */
  get settings(): Readonly<NativeSessionOptions> {
    return this.#options;
  }

  /**
   * Changes the adapters or the control vector. Results computed before it are stale, and those
   * computed while it runs may be, so the revision changes both before and after.
   */
  async #steer(
    start: (session: NativeSession, cancellation: NativeCancellation) => Promise<string>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    this.#revision++;
    const apply = async (
      session: NativeSession,
      cancellation: NativeCancellation,
    ): Promise<void> => {
      try {
        this.#steering = await start(session, cancellation);
      } finally {
        this.#revision++;
      }
    };
    await this.run(apply, signal);
  }

  assertOpen(): void {
    if (this.closed) throw new ClosedError('The LM is closed');
  }

  /** Cancels running jobs, waits for them, and frees the context, and the model if owned. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closes what a subclass owns besides the context. Called once. */
  protected async closeCompanions(): Promise<void> {}

  async #open(): Promise<NativeSession> {
    const release = hold(this.model);
    try {
      return await runJob(async () => {
        const session = await native.createSession(nativeOf(this.model), this.#options);
        this.#info = session.info();
        this.#contextInfo = makeContextInfo(this.model.info, this.#options, this.#info);
        this.#release = release;
        return session;
      });
    } catch (error) {
      await release();
      throw error;
    }
  }

  async #close(): Promise<void> {
    const session = await this.#opening.catch(() => undefined);
    await Promise.all([runJob(async () => session?.close()), this.closeCompanions()]);
    await this.#release();
    if (this.#ownsModel) await this.model.close();
  }
}
