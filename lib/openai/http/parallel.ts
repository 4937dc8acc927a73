// Work on many items, a few at a time. Requests to a server and questions to its tokenizer go by it.

/**
 * Works on all items, a few at a time. After a failure nothing new is begun, and what runs is
 * ended by its signal and waited for.
 */
export async function inParallel<T>(
  items: readonly T[],
  most: number,
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal, index: number) => Promise<void>,
): Promise<void> {
  const failure = new AbortController();
  const either = signal ? AbortSignal.any([signal, failure.signal]) : failure.signal;
  let next = 0;
  let first: { error: unknown } | undefined;
  const run = async (): Promise<void> => {
    while (next < items.length && first === undefined) {
      const index = next++;
      try {
        signal?.throwIfAborted();
        await work(items[index] as T, either, index);
      } catch (error) {
        first ??= { error };
        failure.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, run));
  if (first !== undefined) throw first.error;
}

/** How many questions to a tokenizer, which may be a server, are under way at once. */
const mostQuestions = 32;

/** What a tokenizer says of each item, in their order. */
export async function askEach<T, R>(
  items: readonly T[],
  ask: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  await inParallel(items, mostQuestions, undefined, async (item, _, index) => {
    results[index] = await ask(item);
  });
  return results;
}
