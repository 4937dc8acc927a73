// Runs llama.cpp's own programs, which `scripts/oracles.mjs` builds.

import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = 'build-oracles';

/** The path of one of the programs. */
export const toolPath = (name: string): string => join(folder, 'bin', name);

/** Arguments that make a llama.cpp program compute with the settings of these tests' LMs. */
export const plainArguments = [
  ...['--threads', '1', '--threads-batch', '1'],
  ...['--cache-type-k', 'f32', '--cache-type-v', 'f32'],
  ...['--flash-attn', 'off', '--fit', 'off', '--offline', '--no-warmup'],
];

/** The result of running a program. */
export interface Outcome {
  /** The exit code; null if a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The environment without the module loaders that tap passes on to child processes. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return env;
}

/** Runs a program to its end; kills it after a timeout. */
export function runProgram(
  program: string,
  args: readonly string[],
  timeoutMs = 240_000,
): Promise<Outcome> {
  const child = spawn(program, args, {
    env: plainEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** Runs one of the programs and returns its output; rejects if it fails. */
export async function runTool(name: string, args: readonly string[]): Promise<string> {
  const { code, signal, stdout, stderr } = await runProgram(toolPath(name), args);
  if (code === 0) return stdout;
  throw new Error(`${name} ended with ${signal ?? code}:\n${stderr.slice(-2000)}`);
}

/**
 * Runs one of the programs and returns the groups of the output lines that match `line`, which
 * must be `count`. Retries: the programs exit without flushing their log, so that the last lines
 * are occasionally lost.
 */
export async function linesOf(
  name: string,
  args: readonly string[],
  line: RegExp,
  count: number,
): Promise<string[][]> {
  let printed = '';
  for (let attempt = 0; attempt < 5; attempt++) {
    printed = await runTool(name, args);
    const lines = [...printed.matchAll(line)].map(([, ...groups]) => groups);
    if (lines.length === count) return lines;
  }
  throw new Error(
    `${name} did not print ${count} lines that match ${line}:\n${printed.slice(-1000)}`,
  );
}

/** Saves a test's measurements, which `scripts/oracles.mjs` prints at the end. */
export function report(name: string, lines: readonly string[]): Promise<void> {
  return writeFile(join(folder, 'reports', `${name}.txt`), `${lines.join('\n')}\n`);
}
