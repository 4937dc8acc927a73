// Error output and exit codes: 0 success, 1 failure, 2 invalid usage, 128 + n terminated by
// signal n. run.ts uses it.

import { CommanderError } from 'commander';
import { Interruption } from './interruption.js';

/** Invalid usage of the command line. */
export class UsageError extends Error {}

/** Codes of the API's errors about invalid arguments, which come from the command line here. */
const usageErrorCodes: readonly unknown[] = ['INVALID_ARGUMENT', 'OUT_OF_RANGE'];

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/** The exit code of a failure. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interruption) return error.exitCode;
  // Commander throws for --help, too, with exit code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  // The reader of standard output has closed the pipe, e.g. `head`.
  if (codeOf(error) === 'EPIPE') return 0;
  return error instanceof UsageError || usageErrorCodes.includes(codeOf(error)) ? 2 : 1;
}

/** Prints an error to standard error: one line, or with stacks and causes if verbose. */
export function report(error: unknown, verbose: boolean): void {
  if (codeOf(error) === 'EPIPE') return;
  const text = verbose ? formatStack(error) : summarize(error);
  process.stderr.write(`autocog-lm: ${text}\n`);
}

function summarize(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // It has the cause in it, and lines with what to do.
  if (codeOf(error) === 'ADDON_NOT_FOUND') return error.message;
  const message = firstLine(error.message);
  const cause = error.cause instanceof Error ? firstLine(error.cause.message) : '';
  return isRedundant(message, cause) ? message : `${message} (${cause})`;
}

const firstLine = (text: string): string => text.trim().split('\n', 1)[0] ?? '';

/** Whether the cause adds nothing to the message. */
function isRedundant(message: string, cause: string): boolean {
  const end = message.split(': ').at(-1) as string;
  return message.includes(cause) || cause.toLowerCase().startsWith(end.toLowerCase());
}

/** The stack of an error and of its causes. */
function formatStack(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by: ${formatStack(error.cause)}`;
}
