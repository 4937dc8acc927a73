// Processes many items with limited concurrency, such as requests to a server.

/**
 * Processes all items with limited concurrency. After a failure no further item is started; running
 * ones are aborted through their signal and awaited.
 */
export async function forEachConcurrently<T>(
  items: readonly T[],
  concurrency: number,
  signal: AbortSignal | undefined,
  handle: (item: T, signal: AbortSignal, index: number) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const combined = signal ? AbortSignal.any([signal, controller.signal]) : controller.signal;
  let next = 0;
  let failed: { error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < items.length && failed === undefined) {
      const index = next++;
      try {
        signal?.throwIfAborted();
        await handle(items[index] as T, combined, index);
      } catch (error) {
        failed ??= { error };
        controller.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  if (failed !== undefined) throw failed.error;
}

/** Maximum number of concurrent tokenizer calls; the tokenizer may be a server. */
const maxTokenizerCalls = 32;

/** Maps the items concurrently; the results keep their order. */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  await forEachConcurrently(items, maxTokenizerCalls, undefined, async (item, _, index) => {
    results[index] = await map(item);
  });
  return results;
}
