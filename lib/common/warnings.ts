// Process warnings for conditions that are not errors, each with a code that `docs/errors.md`
// documents.

/** Every code of this package's process warnings. */
export const warningCodes = [
  'AUTOCOG_ADAPTER_PARTIAL',
  'AUTOCOG_CALLBACK_FAILED',
  'AUTOCOG_CONTEXT_SCALE',
  'AUTOCOG_LOG_FAILED',
  'AUTOCOG_THREADS',
] as const;

/** One of {@link warningCodes}. */
export type WarningCode = (typeof warningCodes)[number];

/** Emits a process warning. Node prints it unless started with `--no-warnings`. */
export function warn(code: WarningCode, message: string, detail: string): void {
  process.emitWarning(message, { type: 'AutocogWarning', code, detail });
}
