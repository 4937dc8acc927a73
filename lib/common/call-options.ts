// What every asynchronous call takes, whatever else its options are.

/** What every asynchronous call takes. */
export interface CallOptions {
  /** Aborts the call: it rejects at once with the signal's reason. */
  signal?: AbortSignal | undefined;
}
