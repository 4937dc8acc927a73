// A text while it is written: which part of it may be shown, and where it ends. `lib/generation/generate.ts`
// and the class OpenAI write by it.

import type { Generation } from './generation.js';
import { StopFinder } from './stop-finder.js';

/** How a text ended. */
export type TextEnd = Pick<Generation, 'text' | 'stopReason' | 'stop'>;

/** A text that grows until a stop is found in it, or somebody ends it. */
export class PartialText {
  /** Once it is over. */
  end: TextEnd | undefined;
  readonly #finder: StopFinder;
  readonly #includeStop: boolean;
  #released = 0;

  constructor({ stops, includeStop }: { stops: readonly string[]; includeStop: boolean }) {
    this.#finder = new StopFinder(stops);
    this.#includeStop = includeStop;
  }

  /** All of it, the stop's text included. */
  get whole(): string {
    return this.#finder.text;
  }

  /** It is now this, and over where a stop is in it. Says whether it is. */
  extendTo(text: string): boolean {
    const isStopped = this.#finder.extendTo(text);
    if (isStopped) this.close('stop');
    return isStopped;
  }

  /**
   * No more comes. A stop text that was found counts, and not what might have come before it.
   *
   * @param stop the token that ended it
   * @param length how much of it counts
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

  /** What may be shown now and was not yet. */
  release(): string {
    const until = this.end?.text.length ?? this.#finder.certain;
    if (until <= this.#released) return '';
    const released = this.whole.slice(this.#released, until);
    this.#released = until;
    return released;
  }
}
