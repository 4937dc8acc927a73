// What a failure says and which exit code it has: 0 done, 1 it failed, 2 wrong usage,
// 128 + n ended by signal n. run.ts uses it.

import { CommanderError } from 'commander';
import { Interruption } from './interruption.js';

/** The command line does not say what to do. */
export class UsageError extends Error {}

/** The codes of the API's own complaints about its arguments, which here are the user's. */
const usageCodes: readonly unknown[] = ['INVALID_ARGUMENT', 'OUT_OF_RANGE'];

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/** The exit code of a failure. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interruption) return error.exitCode;
  // Commander throws for --help, too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  // The reader of standard output has seen enough.
  if (codeOf(error) === 'EPIPE') return 0;
  return error instanceof UsageError || usageCodes.includes(codeOf(error)) ? 2 : 1;
}

/** Prints a failure to standard error: one line, or all there is to know. */
export function report(error: unknown, verbose: boolean): void {
  if (codeOf(error) === 'EPIPE') return;
  const text = verbose ? format(error) : summary(error);
  process.stderr.write(`autocog-lm: ${text}\n`);
}

function summary(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = firstLine(error.message);
  const cause = error.cause instanceof Error ? firstLine(error.cause.message) : '';
  return repeats(message, cause) ? message : `${message} (${cause})`;
}

const firstLine = (text: string): string => text.trim().split('\n', 1)[0] ?? '';

/** Whether the cause says nothing that the message does not. */
function repeats(message: string, cause: string): boolean {
  const end = message.split(': ').at(-1) as string;
  return message.includes(cause) || cause.toLowerCase().startsWith(end.toLowerCase());
}

/** Stacks and causes. */
function format(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by: ${format(error.cause)}`;
}
