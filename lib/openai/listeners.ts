// Many requests under one signal, with one listener: Node warns of a leak from eleven on. The
// client keeps one of these; its requests and its waits register here.

/** Who wants to know of an abort, by signal. */
export class AbortListeners {
  readonly #lists = new WeakMap<AbortSignal, { told: Set<() => void>; tell: () => void }>();

  /**
   * Calls `told` when the signal aborts, at once where it has. Gives what ends that; without a
   * signal there is nothing to it.
   */
  add(signal: AbortSignal | undefined, told: () => void): () => void {
    if (signal === undefined) return () => {};
    if (signal.aborted) {
      told();
      return () => {};
    }
    const list = this.#lists.get(signal) ?? this.#begin(signal);
    list.told.add(told);
    return () => {
      list.told.delete(told);
      if (list.told.size > 0 || this.#lists.get(signal) !== list) return;
      this.#lists.delete(signal);
      signal.removeEventListener('abort', list.tell);
    };
  }

  #begin(signal: AbortSignal) {
    const told = new Set<() => void>();
    const tell = (): void => {
      this.#lists.delete(signal);
      for (const each of [...told]) each();
    };
    const list = { told, tell };
    this.#lists.set(signal, list);
    signal.addEventListener('abort', tell, { once: true });
    return list;
  }
}
