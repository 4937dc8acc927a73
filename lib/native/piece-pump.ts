// Passes on what the engine generates without holding up the event loop. Node delivers all that a
// thread sends in one turn of the event loop, and an engine may generate faster than JavaScript
// formats a thousand alternatives per token. `generation.ts` creates one for each call.

/** How long a turn of the event loop may take, in milliseconds. */
const sliceMs = 5;

/** Runs steps in order: at once while there is time in this turn, and else in the next ones. */
export class PiecePump {
  #queue: (() => void)[] = [];
  #next = 0;
  #isInTurn = false;
  #start = 0;
  #waiting: (() => void)[] = [];

  run(step: () => void): void {
    if (!this.#isInTurn) {
      this.#isInTurn = true;
      this.#start = performance.now();
      setImmediate(() => this.#turn());
    }
    if (this.#queue.length === 0 && performance.now() - this.#start < sliceMs) step();
    else this.#queue.push(step);
  }

  /** Drops the steps that have not run. */
  clear(): void {
    this.#queue = [];
    this.#next = 0;
  }

  /** Resolves when all steps have run. */
  async idle(): Promise<void> {
    if (this.#queue.length === 0) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #turn(): void {
    this.#start = performance.now();
    while (this.#next < this.#queue.length && performance.now() - this.#start < sliceMs) {
      this.#queue[this.#next++]?.();
    }
    if (this.#next < this.#queue.length) {
      setImmediate(() => this.#turn());
      return;
    }
    this.clear();
    this.#isInTurn = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
