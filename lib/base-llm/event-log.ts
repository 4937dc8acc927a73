// EventLog: appends events to a file as JSON lines, in order. Each BaseLLM has its own.

import { appendFile } from 'node:fs/promises';
import { LMError } from '../common/errors.js';
import { warn } from '../common/warnings.js';

/** A log file, or none. */
export class EventLog {
  #path: string | undefined;
  #last: Promise<void> = Promise.resolve();

  get path(): string | undefined {
    return this.#path;
  }

  /** Starts to append to a file. Rejects if that cannot be written, and then changes nothing. */
  async enable(path: string): Promise<void> {
    await this.#append(path, 'logging', {});
    this.#path = path;
  }

  /** Resolves when everything is written. */
  async disable(): Promise<void> {
    this.#path = undefined;
    await this.#last;
  }

  /** Appends an event. Rejects with `LOG_NOT_WRITTEN`. */
  async write(event: string, fields: object): Promise<void> {
    if (this.#path === undefined) {
      throw new LMError('Logging is not enabled: call enableLogging', { code: 'LOG_NOT_WRITTEN' });
    }
    await this.#append(this.#path, event, fields);
  }

  /** Appends an event if logging is enabled. A failure is a warning: no call fails because of it. */
  report(event: string, fields: object): void {
    if (this.#path === undefined) return;
    this.#append(this.#path, event, fields).catch((error: LMError) => {
      warn('AUTOCOG_LOG_FAILED', error.message, String(error.cause));
    });
  }

  #append(path: string, event: string, fields: object): Promise<void> {
    const line = `${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`;
    const writing = this.#last.then(() => appendFile(path, line));
    this.#last = writing.catch(() => {});
    return writing.catch((cause: unknown) => {
      throw new LMError(`The log ${path} cannot be written`, { code: 'LOG_NOT_WRITTEN', cause });
    });
  }
}
