// Any number of abort callbacks behind a single listener per signal: Node warns of a leak at the
// eleventh listener, and many calls may share one signal.

interface CallbackList {
  /** One entry per call of {@link onAbort}, since the same function may be added twice. */
  entries: Set<{ callback: () => void }>;
  callAll: () => void;
}

const lists = new WeakMap<AbortSignal, CallbackList>();

/**
 * Calls `callback` once when the signal aborts, or at once if it already has. Returns a function
 * that unsubscribes and leaves no listener behind on the signal. Without a signal, does nothing.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const list = lists.get(signal) ?? createList(signal);
  const entry = { callback };
  list.entries.add(entry);
  return () => {
    list.entries.delete(entry);
    if (list.entries.size > 0 || lists.get(signal) !== list) return;
    lists.delete(signal);
    signal.removeEventListener('abort', list.callAll);
  };
}

function createList(signal: AbortSignal): CallbackList {
  const entries: CallbackList['entries'] = new Set();
  const callAll = (): void => {
    lists.delete(signal);
    // A callback may unsubscribe a later one, which is then not called.
    for (const entry of entries) entry.callback();
  };
  const list = { entries, callAll };
  lists.set(signal, list);
  signal.addEventListener('abort', callAll, { once: true });
  return list;
}
