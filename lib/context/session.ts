// Session: the one native context that a LLaMa and its variants share, from its building to
// its end. `lib/llama.ts` runs every job through it.

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

/** A context in the making, in use, or closed. */
export class Session {
  readonly model: Model;
  /** Resolves when the context stands; rejects where it cannot be built. */
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
    // Nobody has to look at `ready`: every call tells of the failure, too.
    this.ready.catch(() => {});
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** As built, which may be a little more than was asked for, or as asked for until then. */
  get contextSize(): number {
    return this.#info?.contextSize ?? this.#options.contextSize;
  }

  /** What the context was built with. Known once {@link ready} has resolved. */
  get limits(): NativeSessionInfo {
    if (this.#info === undefined) throw new ClosedError('The context does not stand yet');
    return this.#info;
  }

  /** What the context was built with. Throws until {@link ready} has resolved. */
  get contextInfo(): ContextInfo {
    if (this.#contextInfo === undefined) throw new ClosedError('The context does not stand yet');
    return this.#contextInfo;
  }

  /** The adapters in use. */
  get adapters(): readonly ScaledAdapter[] {
    return this.#adapters;
  }

  /** Names adapters and control vector: a saved state is good where this is the same. */
  get steering(): string {
    return this.#steering;
  }

  /** Another number whenever what is computed has changed, or is about to. */
  get revision(): number {
    return this.#revision;
  }

  /** Puts adapters in place of those in use. */
  async setAdapters(
    adapters: readonly ScaledAdapter[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const scales = Float64Array.from(adapters, ({ scale }) => scale);
    await this.#steer((session, cancellation) => {
      const natives = adapters.map(({ adapter }) => nativeAdapterOf(adapter));
      return session.setAdapters(natives, scales, cancellation).then((name) => {
        this.#adapters = adapters;
        return name;
      });
    }, signal);
  }

  /** Puts a control vector, rows for layers from 1 on, in place of the one in use. */
  async setControlVector(data: Float32Array, signal: AbortSignal | undefined): Promise<void> {
    await this.#steer((session, cancellation) => {
      return session.setControlVector(data, cancellation);
    }, signal);
  }

  /** Runs one job on the context's thread, after those before it. */
  async run<T>(
    start: (session: NativeSession, cancellation: NativeCancellation) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const session = await raceAbort(this.#opening, signal);
    this.assertOpen();
    return runJob((cancellation) => start(session, cancellation), signal);
  }

  /** What the context was asked to be. */
  get settings(): Readonly<NativeSessionOptions> {
    return this.#options;
  }

  /** What is kept of before is wrong when this has run, and what is computed meanwhile may be. */
  async #steer(
    start: (session: NativeSession, cancellation: NativeCancellation) => Promise<string>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    this.#revision++;
    const settle = async (
      session: NativeSession,
      cancellation: NativeCancellation,
    ): Promise<void> => {
      try {
        this.#steering = await start(session, cancellation);
      } finally {
        this.#revision++;
      }
    };
    await this.run(settle, signal);
  }

  assertOpen(): void {
    if (this.closed) throw new ClosedError('The LM is closed');
  }

  /** Cancels what runs, waits for it, frees the context, and the model if it is owned. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closes what a subclass keeps beside the context; called once. */
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
