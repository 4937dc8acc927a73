// Finds the earliest stop string in a growing text. The result depends on the text only, not on
// token boundaries. native/engine/generation/stop_finder.h implements the same.

/** A stop string and the index at which it begins. */
export interface StopMatch {
  stop: string;
  begin: number;
}

/** Searches for non-empty stop strings. */
export class StopFinder {
  readonly #stops: readonly string[];
  #text = '';
  #match: StopMatch | undefined;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  get text(): string {
    return this.#text;
  }

  /** The stop that begins first; the shortest in a tie. */
  get match(): StopMatch | undefined {
    return this.#match;
  }

  /**
   * Replaces the text. Its end may differ from before if a character was incomplete. Returns true
   * once a stop is found and no other that begins earlier is still possible.
   */
  extendTo(text: string): boolean {
    this.#text = text;
    let best: StopMatch | undefined;
    for (const stop of this.#stops) {
      const begin = text.indexOf(stop);
      if (begin < 0 || (best !== undefined && begin > best.begin)) continue;
      if (begin === best?.begin && stop.length > best.stop.length) continue;
      best = { stop, begin };
    }
    this.#match = best;
    return best !== undefined && this.#partialStop() >= best.begin;
  }

  /** The length of the prefix that precedes any stop and cannot change, whatever follows. */
  get certain(): number {
    const unstopped = Math.min(this.#match?.begin ?? Infinity, this.#partialStop());
    // Detokenizers render incomplete characters as U+FFFD.
    const complete = /\uFFFD*$/.exec(this.#text)?.index ?? this.#text.length;
    return Math.min(unstopped, complete);
  }

  /** The index of the longest suffix of the text that is a proper prefix of a stop. */
  #partialStop(): number {
    const { length } = this.#text;
    const begins = this.#stops.map((stop) => {
      let size = Math.min(stop.length - 1, length);
      while (size > 0 && !stop.startsWith(this.#text.slice(length - size))) size--;
      return length - size;
    });
    return Math.min(length, ...begins);
  }
}
