// Runs a program of test/fixtures in a process of its own: whether a process ends, and how, is
// only to be seen from outside.

import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** How a child process ended. */
export interface Ending {
  /** The exit code, null where a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** What it told, line by line. */
  told: unknown[];
  stderr: string;
}

/** No child takes nearly as long, unless it hangs. */
const patience = 60_000;

/**
 * Runs a scenario of a fixture, with more arguments if it takes any, to its end; a child that hangs is killed, and its signal is
 * SIGKILL. A crash shows as another signal.
 */
export function runChild(
  fixture: string,
  scenario: string,
  ...more: readonly string[]
): Promise<Ending> {
  const file = join('test', 'fixtures', `${fixture}.mjs`);
  // With these, what is freed goes back to the system at once, so that the resident set shows it.
  const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_ARENA_MAX: '1' };
  // tap hands on loaders that a fixture does not need.
  delete (env as NodeJS.ProcessEnv).NODE_OPTIONS;
  const child = spawn(process.execPath, ['--expose-gc', file, scenario, ...more], { env });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), patience);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const told = stdout
        .split('\n')
        .filter(Boolean)
        .map((line): unknown => JSON.parse(line));
      resolve({ code, signal, told, stderr });
    });
  });
}
