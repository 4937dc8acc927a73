// Finds the earliest of several stop texts in a text that grows. What it finds depends on the
// text alone and not on where it is cut into tokens; native/engine/generation/stop_finder.h does the same.

/** A stop, and where it begins. */
export interface StopMatch {
  stop: string;
  begin: number;
}

/** Looks for stops, none of them empty. */
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

  /** The stop that begins first, the shortest of several. */
  get match(): StopMatch | undefined {
    return this.#match;
  }

  /**
   * The text is this now. Its end may be another than before where a character was not whole.
   * True once a stop was found and none that begins before it can come.
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
    return best !== undefined && this.#possibleBegin() >= best.begin;
  }

  /** So much of the text comes before any stop, and stays as it is, whatever follows. */
  get certain(): number {
    const unstopped = Math.min(this.#match?.begin ?? Infinity, this.#possibleBegin());
    // Detokenizers write what is not whole yet as U+FFFD.
    const whole = /\uFFFD*$/.exec(this.#text)?.index ?? this.#text.length;
    return Math.min(unstopped, whole);
  }

  /** Where the longest end of the text that may be a stop's beginning begins. */
  #possibleBegin(): number {
    const { length } = this.#text;
    const tails = this.#stops.map((stop) => {
      let size = Math.min(stop.length - 1, length);
      while (size > 0 && !stop.startsWith(this.#text.slice(length - size))) size--;
      return length - size;
    });
    return Math.min(length, ...tails);
  }
}
