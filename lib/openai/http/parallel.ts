// Processes many items with limited concurrency: requests to a server and calls of its tokenizer.

/**
 * Processes all items with limited concurrency. After a failure no further item is started; running
 * ones are aborted through their signal and awaited.
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

/** Maximum number of concurrent tokenizer calls; the tokenizer may be a server. */
const mostQuestions = 32;

/** Maps the items concurrently; the results keep their order. */
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
