// Runs a program of test/fixtures in a child process, to observe whether and how a process ends.

import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** How a child process ended. */
export interface Ending {
  /** The exit code, null if a signal killed it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The values that it reported, one JSON value per line of stdout. */
  told: unknown[];
  stderr: string;
}

/** The time limit in milliseconds; only a hanging child takes as long. */
const timeLimit = 60_000;

/**
 * Runs a scenario of a fixture to its end, with further arguments if it takes any. A hanging child
 * is killed with SIGKILL; a crash has another signal.
 */
export function runChild(
  fixture: string,
  scenario: string,
  ...more: readonly string[]
): Promise<Ending> {
  const file = join('test', 'fixtures', `${fixture}.mjs`);
  // With these, freed memory returns to the system at once, so that the resident set reflects it.
  const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_ARENA_MAX: '1' };
  // tap passes on loaders that a fixture does not need.
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
  const timer = setTimeout(() => child.kill('SIGKILL'), timeLimit);
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
