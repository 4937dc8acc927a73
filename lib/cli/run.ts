// Runs the command line, from arguments to exit code. main.ts and examples/demo.mjs call it.

import { type Command, CommanderError } from 'commander';
import { exitCodeOf, report } from './failure.js';
import { watchInterruptions } from './interruption.js';
import { print } from './output.js';
import { makeProgram, VersionRequest } from './program.js';

/** Runs the command line with these arguments. Never rejects; resolves to the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  // If a pipe's reader has gone, `print` rejects; the event, unhandled, would crash the process.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const { signal, stop } = watchInterruptions();
  const program = makeProgram(signal);
  try {
    await execute(program, args);
    return 0;
  } catch (error) {
    if (signal.aborted) return exitCodeOf(signal.reason);
    // Commander has printed its message already.
    if (!(error instanceof CommanderError)) {
      report(error, Boolean(program.opts().verbose || process.env.DEBUG));
    }
    return exitCodeOf(error);
  } finally {
    stop();
  }
}

async function execute(program: Command, args: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof VersionRequest)) throw error;
    const { versions } = await import('./version.js');
    await print(versions());
  }
}
