// Delivers llama.cpp's log to a user's function, line by line. Without one the log is discarded.

import { checkOneOf, checkOptions, wrongType } from '../common/arguments.js';
import { guarded } from '../common/callback-calls.js';
import { native } from './binding.js';
import { callNative } from './job.js';

const levels = ['debug', 'info', 'warn', 'error'] as const;

/** The severity of a log line. */
export type LogLevel = (typeof levels)[number];

/** A line of llama.cpp's log. */
export interface LogLine {
  level: LogLevel;
  /** Without the line break. */
  text: string;
}

/** Options of {@link setLogger}. */
export interface LoggerOptions {
  /** The minimum severity of reported lines. Default `'info'`. */
  level?: LogLevel | undefined;
}

/**
 * Passes every line of llama.cpp's log to `logger`, replacing the previous one; undefined discards
 * the log, which is the default. The log is process-wide: each worker thread may set its own
 * logger, and every logger receives all lines.
 *
 * Lines are delivered on the event loop in order, those about a call before its promise settles.
 * They do not keep the process alive, and the engine does not wait for the logger: while 20,000
 * lines are queued for a busy event loop, further ones are dropped, and one line reports their
 * number. The first time that the logger throws, or returns a promise that rejects, is a process
 * warning with the code `AUTOCOG_CALLBACK_FAILED`; later lines are still delivered.
 *
 * @throws TypeError unless `logger` is a function or undefined, and for an unknown level
 * @example
 * setLogger(({ level, text }) => console.error(level, text), { level: 'warn' });
 */
export function setLogger(
  logger: ((line: LogLine) => unknown) | undefined,
  options?: LoggerOptions,
): void {
  if (logger !== undefined && typeof logger !== 'function') {
    throw wrongType('a function', 'logger', logger);
  }
  const { level = 'info' } = checkOptions(options, 'options', ['level']);
  checkOneOf(level, 'level', levels);
  const report = logger && guarded('logger', logger);
  const listener = (level: LogLevel, text: string): void => report?.({ level, text });
  callNative(() => native.setLogger(logger && listener, level));
}
