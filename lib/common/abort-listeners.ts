// Any number of listeners under one signal, with one of the signal's own: Node warns of a leak
// from eleven on, and many calls may share a signal.

interface Listeners {
  /** An entry per call of {@link onAbort}: the same function may be there twice. */
  told: Set<{ tell: () => void }>;
  tellAll: () => void;
}

const lists = new WeakMap<AbortSignal, Listeners>();

/**
 * Calls `tell` once when the signal aborts, at once where it has. Gives what ends that, after
 * which nothing of it is left on the signal; without a signal there is nothing to it.
 */
export function onAbort(signal: AbortSignal | undefined, tell: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    tell();
    return () => {};
  }
  const list = lists.get(signal) ?? begin(signal);
  const entry = { tell };
  list.told.add(entry);
  return () => {
    list.told.delete(entry);
    if (list.told.size > 0 || lists.get(signal) !== list) return;
    lists.delete(signal);
    signal.removeEventListener('abort', list.tellAll);
  };
}

function begin(signal: AbortSignal): Listeners {
  const told: Listeners['told'] = new Set();
  const tellAll = (): void => {
    lists.delete(signal);
    // What one does may end another, which is not told any more then.
    for (const entry of told) entry.tell();
  };
  const list = { told, tellAll };
  lists.set(signal, list);
  signal.addEventListener('abort', tellAll, { once: true });
  return list;
}
