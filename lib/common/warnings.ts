// What a caller should know and nothing fails of: Node's process warnings, with codes of ours.
// `docs/errors.md` explains each to a reader.

/** Every code that a process warning of this package takes. */
export const warningCodes = ['AUTOCOG_ADAPTER_PARTIAL', 'AUTOCOG_CONTEXT_SCALE'] as const;

/** One of {@link warningCodes}. */
export type WarningCode = (typeof warningCodes)[number];

/** Emits a warning, which Node prints unless it is told otherwise: `process.on('warning', …)`. */
export function warn(code: WarningCode, message: string, detail: string): void {
  process.emitWarning(message, { type: 'AutocogWarning', code, detail });
}
