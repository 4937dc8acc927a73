// A text that is being generated: which part of it may be released, and where it ends.
// `lib/generation/generate.ts` and the OpenAI client use it.

import type { Generation } from './generation.js';
import { StopFinder } from './stop-finder.js';

/** How a text ended. */
export type TextEnd = Pick<Generation, 'text' | 'stopReason' | 'stop'>;

/** A text that grows until it contains a stop string or is closed. */
export class PartialText {
  /** Set once the text is closed. */
  end: TextEnd | undefined;
  readonly #finder: StopFinder;
  readonly #includeStop: boolean;
  #released = 0;

  constructor({ stops, includeStop }: { stops: readonly string[]; includeStop: boolean }) {
    this.#finder = new StopFinder(stops);
    this.#includeStop = includeStop;
  }

  /** The whole text, including a stop string. */
  get whole(): string {
    return this.#finder.text;
  }

  /** Replaces the text by a longer one and closes it if a stop is found. Returns whether it is. */
  extendTo(text: string): boolean {
    const isStopped = this.#finder.extendTo(text);
    if (isStopped) this.close('stop');
    return isStopped;
  }

  /**
   * Closes the text. A stop string that was found counts, even if an earlier one was still
   * possible.
   *
   * @param stop the token that ended the text
   * @param length how many characters to keep, without a stop string
   */
  close(reason: Generation['stopReason'], stop?: number, length = this.whole.length): void {
    const { text, match } = this.#finder;
    if (match === undefined) {
      this.end = { text: text.slice(0, length), stopReason: reason };
      if (stop !== undefined) this.end.stop = stop;
      return;
    }
    const cut = this.#includeStop ? match.begin + match.stop.length : match.begin;
    this.end = { text: text.slice(0, cut), stopReason: 'stop', stop: match.stop };
  }

  /** The text that has become certain since the last call. */
  release(): string {
    const until = this.end?.text.length ?? this.#finder.certain;
    if (until <= this.#released) return '';
    const released = this.whole.slice(this.#released, until);
    this.#released = until;
    return released;
  }
}
