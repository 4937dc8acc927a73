// LMHolder: the LM of a LocalLLM. It was given, or is opened at the first call, and anew after the
// name of the model or the device has changed.

import { raceAbort } from '../common/abort.js';
import { wrongType } from '../common/arguments.js';
import { ClosedError } from '../common/errors.js';
import { LM } from '../lm.js';

/** Which LM to open. */
export interface OpenRequest {
  modelName: string | undefined;
  device: string | undefined;
}

/** Opens an LM, which the LocalLLM then owns: it closes it. */
export type OpenLM = (request: OpenRequest) => LM | Promise<LM>;

/** An LM that was opened, or is being opened. */
interface Opened {
  key: string;
  lm: Promise<LM>;
  /** How many calls use it. */
  users: number;
  /** Set when it is replaced: it is closed when its last call has ended. */
  isRetired: boolean;
}

/** Opens and closes the LM. */
export class LMHolder {
  /** The LM that the caller gave, and keeps. */
  readonly given: LM | undefined;
  readonly #open: OpenLM | undefined;
  #current: Opened | undefined;
  /** The closing of replaced LMs, which `close` waits for. */
  readonly #closing = new Set<Promise<void>>();
  #closed: Promise<void> | undefined;

  /** @throws TypeError unless the source is an LM or a function */
  constructor(source: LM | OpenLM) {
    if (source instanceof LM) this.given = source;
    else if (typeof source === 'function') this.#open = source;
    else throw wrongType('an LM, or a function that opens one,', 'source', source);
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Calls `work` with the requested LM, which stays open until `work` has settled. */
  async use<T>(
    request: OpenRequest,
    signal: AbortSignal | undefined,
    work: (lm: LM) => Promise<T>,
  ): Promise<T> {
    if (this.closed) throw new ClosedError('The LLM is closed');
    if (this.given !== undefined) return work(this.given);
    const opened = this.#find(request);
    opened.users++;
    try {
      const lm = await raceAbort(opened.lm, signal);
      if (this.closed) throw new ClosedError('The LLM is closed');
      return await work(lm);
    } finally {
      opened.users--;
      this.#release(opened);
    }
  }

  /** Closes the LM that was opened; its calls end. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #find(request: OpenRequest): Opened {
    const key = JSON.stringify([request.modelName, request.device]);
    if (this.#current?.key === key) return this.#current;
    const previous = this.#current;
    const lm = this.#start(request);
    const opened = { key, lm, users: 0, isRetired: false };
    this.#current = opened;
    // A failure is reported by the calls that wait for it; the next call tries again.
    lm.catch(() => {
      if (this.#current === opened) this.#current = undefined;
    });
    if (previous !== undefined) {
      previous.isRetired = true;
      this.#release(previous);
    }
    return opened;
  }

  async #start(request: OpenRequest): Promise<LM> {
    const lm = await (this.#open as OpenLM)(request);
    if (!(lm instanceof LM)) throw wrongType('an LM', 'the result of the function', lm);
    return lm;
  }

  #release(opened: Opened): void {
    if (!opened.isRetired || opened.users > 0) return;
    const closing = this.#closeOne(opened);
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }

  async #close(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    if (current !== undefined) await this.#closeOne(current);
    await Promise.all(this.#closing);
  }

  async #closeOne(opened: Opened): Promise<void> {
    const lm = await opened.lm.catch(() => undefined);
    // The function may have returned the same LM again.
    const current = await this.#current?.lm.catch(() => undefined);
    if (lm !== undefined && lm !== current) await lm.close().catch(() => {});
  }
}
