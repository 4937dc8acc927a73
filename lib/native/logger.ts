// What llama.cpp says while it works, line by line, for whoever asks. It is silent otherwise.

import { checkOneOf, checkOptions, wrongType } from '../common/arguments.js';
import { native } from './binding.js';
import { callNative } from './job.js';

const levels = ['debug', 'info', 'warn', 'error'] as const;

/** How much a line of the log matters. */
export type LogLevel = (typeof levels)[number];

/** A line of llama.cpp's log. */
export interface LogLine {
  level: LogLevel;
  /** Without its end. */
  text: string;
}

/** Options of {@link setLogger}. */
export interface LoggerOptions {
  /** The least that a line has to matter to be told. Default `'info'`. */
  level?: LogLevel | undefined;
}

/**
 * Hands every line of llama.cpp's log to a function, in place of the one before; without one, to
 * nobody, as in the beginning. The log is the whole process's: each worker thread may have its
 * own logger, and all of them get all lines.
 *
 * Lines come from the event loop, in the order in which they were written, those about a call
 * before its promise settles. They keep no process alive, and nothing waits for the logger: where
 * 20,000 lines wait for a busy event loop, further ones are dropped, and a line says how many.
 * What the logger throws is an uncaught exception, and the next lines come all the same.
 *
 * @throws TypeError for what is neither a function nor undefined, and for a level that there is
 * not
 * @example
 * setLogger(({ level, text }) => console.error(level, text), { level: 'warn' });
 */
export function setLogger(
  logger: ((line: LogLine) => void) | undefined,
  options?: LoggerOptions,
): void {
  if (logger !== undefined && typeof logger !== 'function') {
    throw wrongType('a function', 'logger', logger);
  }
  const { level = 'info' } = checkOptions(options, 'options', ['level']);
  checkOneOf(level, 'level', levels);
  const tell = (level: LogLevel, text: string): void => {
    try {
      logger?.({ level, text });
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  };
  callNative(() => native.setLogger(logger && tell, level));
}
